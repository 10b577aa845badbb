//! What is small and asked for with nearly every call, read as a whole and kept in memory: archive policies, rules and
//! resource types. A snapshot never changes; a write makes the next reader read anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use collector_model::{ArchivePolicy, ArchivePolicyRule, matching_rule, sort_rules};

use crate::db::{DbConnection, query};
use crate::{IndexError, ResourceType, policy, resource_type};

/// All policies, rules and types at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// By name.
    pub(crate) policies: BTreeMap<String, Arc<ArchivePolicy>>,
    /// In the order in which they are tried.
    pub(crate) rules: Vec<ArchivePolicyRule>,
    /// By name.
    pub(crate) types: BTreeMap<String, Arc<ResourceType>>,
}

impl Snapshot {
    pub(crate) async fn load(connection: &mut DbConnection) -> Result<Self, IndexError> {
        let rows = query(policy::SELECT).fetch_all(connection).await?;
        let policies = rows.iter().map(|row| {
            let policy = policy::of_row(row)?;
            Ok((policy.name.clone(), Arc::new(policy)))
        });
        let policies = policies.collect::<Result<_, IndexError>>()?;
        let rows =
            query("SELECT name, metric_pattern, archive_policy_name FROM archive_policy_rule")
                .fetch_all(connection)
                .await?;
        let rules = rows.iter().map(|row| {
            Ok(ArchivePolicyRule {
                name: row.try_get(0)?,
                metric_pattern: row.try_get(1)?,
                archive_policy_name: row.try_get(2)?,
            })
        });
        let mut rules = rules.collect::<Result<Vec<_>, IndexError>>()?;
        sort_rules(&mut rules);
        let rows = query(resource_type::SELECT).fetch_all(connection).await?;
        let types = rows.iter().map(|row| {
            let resource_type = resource_type::of_row(row)?;
            Ok((resource_type.name.clone(), Arc::new(resource_type)))
        });
        Ok(Self {
            policies,
            rules,
            types: types.collect::<Result<_, IndexError>>()?,
        })
    }

    /// The policy of a name.
    pub(crate) fn policy(&self, name: &str) -> Result<&Arc<ArchivePolicy>, IndexError> {
        self.policies
            .get(name)
            .ok_or_else(|| IndexError::NoSuchArchivePolicy(name.to_owned()))
    }

    /// The policy of a new metric: the one named, else the one that the rules give its name.
    pub(crate) fn policy_of_new(
        &self,
        named: Option<&str>,
        metric_name: Option<&str>,
    ) -> Result<&Arc<ArchivePolicy>, IndexError> {
        if let Some(name) = named {
            return self.policy(name);
        }
        match matching_rule(&self.rules, metric_name.unwrap_or_default()) {
            Some(rule) => self.policy(&rule.archive_policy_name),
            None => Err(IndexError::NoArchivePolicyRuleMatch(
                metric_name.unwrap_or("None").to_owned(),
            )),
        }
    }

    /// The type of a name.
    pub(crate) fn resource_type(&self, name: &str) -> Result<&Arc<ResourceType>, IndexError> {
        self.types
            .get(name)
            .ok_or_else(|| IndexError::NoSuchResourceType(name.to_owned()))
    }
}
