//! snmp.yml as it stands on disk, in both forms of the generator: up to 0.22 each module carries its version and secrets,
//! from 0.23 on `auths` and `modules` are apart. What a module means for a walk is in `module`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::auth::AuthFile;
use crate::config::kind::Kind;
use crate::config::poll::PollFile;
use crate::config::scalar::{Anchored, DottedOid, EnumValues, GoDuration, Pattern};

/// The form from 0.23 on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SplitFile {
    /// Secrets by name, `auth=` of a request.
    pub(crate) auths: BTreeMap<String, AuthFile>,
    /// Modules by name, `module=` of a request.
    pub(crate) modules: BTreeMap<String, ModuleFile>,
    /// Targets that the agent polls by itself; ours alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) poll: Vec<PollFile>,
    /// The form's own number, written by the generator and of no consequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u64>,
}

/// The form up to 0.22: modules by name, nothing around them.
pub(crate) type FlatFile = BTreeMap<String, FlatModuleFile>;

macro_rules! module_file {
    ($(#[$meta:meta])* $name:ident { $($(#[$extra_meta:meta])* $extra:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$extra_meta])* #[serde(skip_serializing_if = "Option::is_none")] pub(crate) $extra: Option<$type>,)*
            /// Subtrees to walk.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub(crate) walk: Vec<DottedOid>,
            /// Instances to get.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub(crate) get: Vec<DottedOid>,
            /// What the answers become.
            pub(crate) metrics: Vec<MetricFile>,
            /// Rows to ask for in one GETBULK.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(crate) max_repetitions: Option<u32>,
            /// Further attempts after one that was not answered.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(crate) retries: Option<u32>,
            /// How long an answer may take.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(crate) timeout: Option<GoDuration>,
            /// Whether answers from another address than the target's are taken.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(crate) use_unconnected_udp_socket: Option<bool>,
            /// Whether a walk goes on when OIDs do not rise.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub(crate) allow_nonincreasing_oids: Option<bool>,
            /// Rows to leave out by what another column says.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub(crate) filters: Vec<FilterFile>,
        }
    };
}

module_file! {
    /// A module of the form from 0.23 on.
    ModuleFile {}
}

module_file! {
    /// A module of the form up to 0.22.
    FlatModuleFile {
        /// 1, 2 or 3.
        version: u8,
        /// The module's secrets.
        auth: AuthFile,
    }
}

impl FlatModuleFile {
    /// The part that only this form has.
    pub(crate) fn credentials(&self) -> AuthFile {
        let mut auth = self.auth.clone().unwrap_or_default();
        auth.version = self.version.or(auth.version);
        auth
    }

    /// The part that both forms have.
    pub(crate) fn module(self) -> ModuleFile {
        ModuleFile {
            walk: self.walk,
            get: self.get,
            metrics: self.metrics,
            max_repetitions: self.max_repetitions,
            retries: self.retries,
            timeout: self.timeout,
            use_unconnected_udp_socket: self.use_unconnected_udp_socket,
            allow_nonincreasing_oids: self.allow_nonincreasing_oids,
            filters: self.filters,
        }
    }
}

/// Rows of `targets` are got one by one, those whose index has a value in `oid` that matches one of `values`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilterFile {
    /// The column that decides.
    pub(crate) oid: DottedOid,
    /// The columns that it decides about.
    #[serde(default)]
    pub(crate) targets: Vec<DottedOid>,
    /// What the deciding value has to match, somewhere in it.
    #[serde(default)]
    pub(crate) values: Vec<Pattern>,
}

/// One metric.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricFile {
    /// The metric's name.
    pub(crate) name: String,
    /// The object, without the instance.
    pub(crate) oid: DottedOid,
    /// What its values are.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// HELP.
    #[serde(default)]
    pub(crate) help: String,
    /// What the instance's numbers are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) indexes: Vec<IndexFile>,
    /// Labels found under the index in other columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) lookups: Vec<LookupFile>,
    /// Numbers inside of strings, by the suffix of the metric's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) regex_extracts: BTreeMap<String, Vec<ExtractFile>>,
    /// How a ParseDateAndTime is written, in strftime's letters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) datetime_pattern: String,
    /// States by number.
    #[serde(default, skip_serializing_if = "EnumValues::is_empty")]
    pub(crate) enum_values: EnumValues,
    /// RFC 2579's DISPLAY-HINT of an OctetString.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) display_hint: String,
    /// What a value is multiplied with, unless 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) scale: f64,
    /// What is added to a value then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) offset: f64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

/// One index of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IndexFile {
    /// The label.
    pub(crate) labelname: String,
    /// What the numbers are.
    #[serde(rename = "type")]
    pub(crate) kind: Kind,
    /// Length in numbers where the MIB fixes it, else 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fixed_size: Option<u16>,
    /// Whether the rest of the instance is this index.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) implied: bool,
    /// States by number.
    #[serde(default, skip_serializing_if = "EnumValues::is_empty")]
    pub(crate) enum_values: EnumValues,
}

/// One lookup; without `labels` the label is taken away again.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookupFile {
    /// The labels whose index numbers make the instance.
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    /// The label to set.
    pub(crate) labelname: String,
    /// The column to look in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) oid: Option<DottedOid>,
    /// Whether that column is of no other use, so that it may be remembered between walks. Not in the file.
    #[serde(skip)]
    pub(crate) gives_only_labels: bool,
    /// What its values are.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<Kind>,
    /// RFC 2579's DISPLAY-HINT of an OctetString.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) display_hint: String,
    /// States by number.
    #[serde(default, skip_serializing_if = "EnumValues::is_empty")]
    pub(crate) enum_values: EnumValues,
}

/// One way to find a number in a string.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtractFile {
    /// The number, made of the pattern's groups.
    #[serde(default = "first_group")]
    pub(crate) value: String,
    /// What the whole string has to match.
    pub(crate) regex: Anchored,
}

fn first_group() -> String {
    "$1".to_owned()
}
