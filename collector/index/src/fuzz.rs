//! A way to what makes SQL of filters, for the server's fuzz targets; compiled for them alone.

use std::collections::BTreeMap;

use collector_model::Timestamp;

use crate::db::{Dialect, Statement};
use crate::filter::compile::condition;
use crate::filter::fields::Fields;
use crate::{Filter, ResourceType};

/// Makes SQL of a filter of resources and of metrics, for both databases; what is refused is refused.
pub fn filter(filter: &Filter) {
    let generic = ResourceType {
        name: crate::resource_type::GENERIC.to_owned(),
        attributes: BTreeMap::new(),
        updated_at: Timestamp(0),
    };
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        for fields in [
            Fields::Resource {
                resource_type: &generic,
                history: true,
                dialect,
            },
            Fields::Metric {
                generic: &generic,
                dialect,
            },
        ] {
            let _ = condition(&mut Statement::new(""), filter, fields, Timestamp(0));
        }
    }
}
