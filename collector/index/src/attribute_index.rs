//! Indexes on attributes: one for each string and UUID attribute of each resource type, over the resources of that type
//! alone, so that a search by `=`, `in` or how it begins reads what it finds and not the catalogue. They follow the
//! types: who changes a type brings them in line in the same transaction, and so does who opens a catalogue.

use collector_model::AttributeType;
use uuid::Uuid;

use crate::db::{DbConnection, Statement, query, query_scalar};
use crate::resource_type;
use crate::sql::{AttributeForm, identifier, is_literal, literal};
use crate::{Index, IndexError, ResourceType};

/// Most indexes of one type, for each is written with every resource of it: its first attributes by name have them.
const MOST_OF_A_TYPE: usize = 16;

/// Most indexes of all types, for the database looks at each of them when it plans a search or a write.
const MOST: usize = 256;

/// The index of one attribute.
#[derive(Debug)]
struct AttributeIndex<'t> {
    name: String,
    resource_type: &'t str,
    attribute: &'t str,
}

/// Brings the indexes in line with the types that there are when a catalogue is opened.
pub(crate) async fn bring_in_line_at_start(index: &Index) -> Result<(), IndexError> {
    let mut transaction = index.begin().await?;
    bring_in_line(&mut transaction).await?;
    index.commit(transaction).await
}

/// Drops the indexes of attributes that are gone, and makes those that are missing; in a transaction that writes.
pub(crate) async fn bring_in_line(connection: &mut DbConnection) -> Result<(), IndexError> {
    let rows = query(resource_type::SELECT).fetch_all(connection).await?;
    let types = rows.iter().map(resource_type::of_row);
    let types = types.collect::<Result<Vec<_>, _>>()?;
    let mut wanted: Vec<_> = types.iter().flat_map(indexes).collect();
    wanted.sort_by_key(|index| (index.resource_type, index.attribute));
    let there: Vec<String> = query_scalar(connection.dialect().attribute_indexes())
        .fetch_all(connection)
        .await?;
    let mut kept = 0;
    for name in &there {
        if wanted.iter().any(|index| index.name == *name) {
            kept += 1;
        } else {
            Statement::new(format!("DROP INDEX {}", identifier(name)))
                .execute(connection)
                .await?;
        }
    }
    wanted.retain(|index| !there.contains(&index.name));
    for index in wanted.iter().take(MOST.saturating_sub(kept)) {
        index.create(connection).await?;
    }
    Ok(())
}

/// The indexes of a type: none where its name cannot stand in a statement, for then no search uses them.
fn indexes(resource_type: &ResourceType) -> impl Iterator<Item = AttributeIndex<'_>> {
    let all = resource_type.attributes.iter();
    let indexed = all.filter(move |(_, attribute)| {
        is_literal(&resource_type.name)
            && matches!(
                attribute.kind,
                AttributeType::String { .. } | AttributeType::Uuid
            )
    });
    indexed
        .take(MOST_OF_A_TYPE)
        .map(move |(attribute, _)| AttributeIndex {
            name: name(&resource_type.name, attribute),
            resource_type: &resource_type.name,
            attribute,
        })
}

/// The name of an attribute's index. It is a hash, for PostgreSQL cuts names off after 63 bytes.
fn name(resource_type: &str, attribute: &str) -> String {
    let of = format!("{resource_type}\0{attribute}");
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, of.as_bytes());
    format!("resource_attribute_{}", hash.simple())
}

impl AttributeIndex<'_> {
    /// Makes it. After the value come the columns of a list's own order, so that a page of what many have needs no sort.
    async fn create(&self, connection: &mut DbConnection) -> Result<(), IndexError> {
        let dialect = connection.dialect();
        let value = dialect.attribute("attributes", self.attribute, AttributeForm::Text);
        let sql = format!(
            "CREATE INDEX {} ON resource ({value}, revision_start, started_at, id) WHERE type = {}",
            identifier(&self.name),
            literal(self.resource_type)
        );
        Statement::new(sql).execute(connection).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
