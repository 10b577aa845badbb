//! Archive policy rules in the catalogue. How a rule is chosen for a metric's name is the model's.

use std::sync::Arc;

use collector_model::{ArchivePolicy, ArchivePolicyRule};

use crate::changes::Change;
use crate::db::{DbConnection, query};
use crate::{Index, IndexError};

impl Index {
    /// All rules in the order in which they are tried.
    ///
    /// # Errors
    /// Only where the database fails.
    pub async fn archive_policy_rules(&self) -> Result<Vec<ArchivePolicyRule>, IndexError> {
        Ok(self.snapshot().await?.rules.clone())
    }

    /// The rule of a name.
    ///
    /// # Errors
    /// [`IndexError::NoSuchArchivePolicyRule`].
    pub async fn archive_policy_rule(&self, name: &str) -> Result<ArchivePolicyRule, IndexError> {
        find(&self.snapshot().await?.rules, name)
    }

    /// The archive policy that the rules give a metric of this name; no name counts as an empty one.
    ///
    /// # Errors
    /// [`IndexError::NoArchivePolicyRuleMatch`].
    pub async fn archive_policy_for(
        &self,
        metric_name: Option<&str>,
    ) -> Result<Arc<ArchivePolicy>, IndexError> {
        let snapshot = self.snapshot().await?;
        snapshot.policy_of_new(None, metric_name).cloned()
    }

    /// Adds a rule.
    ///
    /// # Errors
    /// [`IndexError::NoSuchArchivePolicy`], [`IndexError::ArchivePolicyRuleAlreadyExists`].
    pub async fn create_archive_policy_rule(
        &self,
        rule: &ArchivePolicyRule,
    ) -> Result<(), IndexError> {
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        snapshot.policy(&rule.archive_policy_name)?;
        if find(&snapshot.rules, &rule.name).is_ok() {
            return Err(IndexError::ArchivePolicyRuleAlreadyExists(
                rule.name.clone(),
            ));
        }
        insert(&mut transaction, rule).await?;
        transaction.will_change(Change::Definitions);
        self.commit(transaction).await
    }

    /// Gives a rule another name.
    ///
    /// # Errors
    /// [`IndexError::NoSuchArchivePolicyRule`], or [`IndexError::UnsupportedArchivePolicyRuleChange`] where another
    /// rule has the name.
    pub async fn rename_archive_policy_rule(
        &self,
        name: &str,
        new_name: &str,
    ) -> Result<ArchivePolicyRule, IndexError> {
        let mut transaction = self.begin().await?;
        let snapshot = self.snapshot_in(&mut transaction).await?;
        let mut rule = find(&snapshot.rules, name)?;
        if new_name != name && find(&snapshot.rules, new_name).is_ok() {
            return Err(IndexError::UnsupportedArchivePolicyRuleChange {
                name: name.to_owned(),
                reason: format!("Archive policy rule {new_name} already exists."),
            });
        }
        new_name.clone_into(&mut rule.name);
        query("UPDATE archive_policy_rule SET name = $1 WHERE name = $2")
            .bind(new_name)
            .bind(name)
            .execute(&mut transaction)
            .await?;
        transaction.will_change(Change::Definitions);
        self.commit(transaction).await?;
        Ok(rule)
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// [`IndexError::NoSuchArchivePolicyRule`].
    pub async fn delete_archive_policy_rule(&self, name: &str) -> Result<(), IndexError> {
        let mut transaction = self.begin().await?;
        let deleted = query("DELETE FROM archive_policy_rule WHERE name = $1")
            .bind(name)
            .execute(&mut transaction)
            .await?;
        if deleted == 0 {
            return Err(IndexError::NoSuchArchivePolicyRule(name.to_owned()));
        }
        transaction.will_change(Change::Definitions);
        self.commit(transaction).await
    }
}

fn find(rules: &[ArchivePolicyRule], name: &str) -> Result<ArchivePolicyRule, IndexError> {
    let rule = rules.iter().find(|rule| rule.name == name).cloned();
    rule.ok_or_else(|| IndexError::NoSuchArchivePolicyRule(name.to_owned()))
}

pub(crate) async fn insert(
    connection: &mut DbConnection,
    rule: &ArchivePolicyRule,
) -> Result<(), IndexError> {
    query(
        "INSERT INTO archive_policy_rule (name, metric_pattern, archive_policy_name) \
         VALUES ($1, $2, $3)",
    )
    .bind(&rule.name)
    .bind(&rule.metric_pattern)
    .bind(&rule.archive_policy_name)
    .execute(connection)
    .await?;
    Ok(())
}
