//! Which resources have ended, from memory: asked for with every measure where those bring a resource back.

use std::collections::HashMap;

use collector_model::Timestamp;
use uuid::Uuid;

use crate::db::Statement;
use crate::sql::{CHUNK, id_list, once};
use crate::{Index, IndexError};

impl Index {
    /// Those of these resources that have ended, with when, in their order; what is not in memory by one query for 500.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn ended(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, Timestamp)>, IndexError> {
        self.freshen().await?;
        let mut found: HashMap<Uuid, Option<Timestamp>> = ids
            .iter()
            .filter_map(|id| Some((*id, self.ends.get(id)?)))
            .collect();
        let missing = ids.iter().copied().filter(|id| !found.contains_key(id));
        let missing: Vec<Uuid> = missing.collect();
        if !missing.is_empty() {
            // On the writing connection, for only who has that may fill what is kept in memory.
            let mut turn = self.turn().await?;
            for chunk in missing.chunks(CHUNK) {
                let mut statement =
                    Statement::new("SELECT id, ended_at FROM resource WHERE id IN ");
                id_list(&mut statement, chunk.iter().copied());
                for row in once(&mut statement).fetch_all(&mut turn).await? {
                    let id: Uuid = row.try_get(0)?;
                    let end = row.try_get::<Option<_>>(1)?.map(Timestamp);
                    self.ends.insert(id, end, 1);
                    found.insert(id, end);
                }
            }
        }
        let end = |id: &Uuid| found.get(id).copied().flatten();
        Ok(ids.iter().filter_map(|id| Some((*id, end(id)?))).collect())
    }
}
