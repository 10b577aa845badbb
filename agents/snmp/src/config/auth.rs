//! Versions, communities and USM credentials of snmp.yml: checked as snmp_exporter checks them, completed from the
//! environment and from files, and made into what the wire needs.

use std::path::PathBuf;

use async_snmp::{AuthProtocol, PrivProtocol};
use serde::{Deserialize, Serialize};

use crate::config::scalar::Secret;

/// Reads a variable of the environment.
pub(crate) type Variables<'v> = &'v dyn Fn(&str) -> Option<String>;

/// One entry of `auths`, or `auth` of a module in the old form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuthFile {
    /// 1 and 2: the community, `public` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) community: Option<Secret>,
    /// A file with the community.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) community_file: Option<PathBuf>,
    /// `noAuthNoPriv`, `authNoPriv` or `authPriv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) security_level: Option<SecurityLevel>,
    /// The user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) username: String,
    /// The password of authentication.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) password: Secret,
    /// A file with that password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password_file: Option<PathBuf>,
    /// `MD5`, `SHA`, `SHA224` to `SHA512`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth_protocol: Option<Digest>,
    /// `DES`, `AES`, `AES192`, `AES192C`, `AES256`, `AES256C`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priv_protocol: Option<Cipher>,
    /// The password of privacy.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub(crate) priv_password: Secret,
    /// A file with that password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priv_password_file: Option<PathBuf>,
    /// The context, unless the request names one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) context_name: String,
    /// 1, 2 or 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u8>,
}

/// How much of a message is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SecurityLevel {
    /// Nothing is.
    #[serde(rename = "noAuthNoPriv")]
    Nothing,
    /// It is signed.
    #[serde(rename = "authNoPriv")]
    Signed,
    /// It is signed and encrypted.
    #[serde(rename = "authPriv")]
    Encrypted,
}

/// The hash that signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Digest {
    Md5,
    Sha,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The cipher that encrypts; C is Cisco's way (Reeder's draft) to lengthen the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Cipher {
    Des,
    Aes,
    Aes192,
    Aes192c,
    Aes256,
    Aes256c,
}

/// Checked credentials.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    /// Version 1.
    V1(Secret),
    /// Version 2c.
    V2(Secret),
    /// Version 3.
    V3(Usm),
}

/// Credentials of version 3.
#[derive(Debug, Clone)]
pub(crate) struct Usm {
    /// The user.
    pub(crate) username: String,
    /// The hash and its password.
    pub(crate) auth: Option<(AuthProtocol, Secret)>,
    /// The cipher and its password; only with a hash.
    pub(crate) privacy: Option<(PrivProtocol, Secret)>,
    /// The context.
    pub(crate) context: String,
}

/// RFC 3414 allows no shorter password.
const MIN_PASSWORD: usize = 8;

impl AuthFile {
    /// Reads the files that hold secrets, and puts the environment's variables in place of `$NAME` and `${NAME}` if
    /// `variable` is given.
    pub(crate) fn complete(&mut self, variable: Option<Variables<'_>>) -> Result<(), String> {
        if let Some(path) = &self.community_file {
            self.community = Some(read(path)?);
        }
        if let Some(path) = &self.password_file {
            self.password = read(path)?;
        }
        if let Some(path) = &self.priv_password_file {
            self.priv_password = read(path)?;
        }
        let Some(variable) = variable else {
            return Ok(());
        };
        self.username = expand(&self.username, variable)?;
        let secrets = [&mut self.password, &mut self.priv_password];
        for secret in secrets.into_iter().chain(self.community.as_mut()) {
            *secret = Secret::new(expand(secret.reveal(), variable)?);
        }
        Ok(())
    }

    /// What the wire needs. `Err` names the key and what was expected of it.
    pub(crate) fn check(&self) -> Result<Credentials, String> {
        let community = || {
            let public = || Secret::new("public".to_owned());
            self.community.clone().unwrap_or_else(public)
        };
        match self.version.unwrap_or(2) {
            1 => Ok(Credentials::V1(community())),
            2 => Ok(Credentials::V2(community())),
            3 => self.check_usm().map(Credentials::V3),
            other => Err(format!("version: expected 1, 2 or 3, found {other}")),
        }
    }

    fn check_usm(&self) -> Result<Usm, String> {
        let level = self.security_level.unwrap_or(SecurityLevel::Nothing);
        if self.username.is_empty() {
            return Err("username: expected one for version 3, found none".to_owned());
        }
        let auth = match level {
            SecurityLevel::Nothing => None,
            SecurityLevel::Signed | SecurityLevel::Encrypted => {
                let digest = self.auth_protocol.unwrap_or(Digest::Md5);
                Some((digest.into(), password("password", &self.password)?))
            }
        };
        let privacy = match level {
            SecurityLevel::Nothing | SecurityLevel::Signed => None,
            SecurityLevel::Encrypted => {
                let cipher = self.priv_protocol.unwrap_or(Cipher::Des);
                Some((
                    cipher.into(),
                    password("priv_password", &self.priv_password)?,
                ))
            }
        };
        Ok(Usm {
            username: self.username.clone(),
            auth,
            privacy,
            context: self.context_name.clone(),
        })
    }
}

fn password(key: &str, secret: &Secret) -> Result<Secret, String> {
    let length = secret.reveal().len();
    if length < MIN_PASSWORD {
        return Err(format!(
            "{key}: expected at least {MIN_PASSWORD} characters for this security_level, found {length}"
        ));
    }
    Ok(secret.clone())
}

fn read(path: &PathBuf) -> Result<Secret, String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(
        text.strip_suffix('\r').unwrap_or(text).to_owned(),
    ))
}

/// `text` with variables in place; one that is not set is an error, for an empty password would be tried in vain.
fn expand(text: &str, variable: Variables<'_>) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (name, tail) = match after
            .strip_prefix('{')
            .and_then(|braced| braced.split_once('}'))
        {
            Some(found) => found,
            None => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
                after.split_at(end)
            }
        };
        let value = variable(name).filter(|value| !value.is_empty());
        let missing = || format!("expected the environment variable {name:?} to be set");
        expanded.push_str(&value.ok_or_else(missing)?);
        rest = tail;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

impl From<Digest> for AuthProtocol {
    fn from(digest: Digest) -> Self {
        match digest {
            Digest::Md5 => Self::Md5,
            Digest::Sha => Self::Sha1,
            Digest::Sha224 => Self::Sha224,
            Digest::Sha256 => Self::Sha256,
            Digest::Sha384 => Self::Sha384,
            Digest::Sha512 => Self::Sha512,
        }
    }
}

impl From<Cipher> for PrivProtocol {
    fn from(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Des => Self::Des,
            Cipher::Aes => Self::Aes128,
            Cipher::Aes192 => Self::Aes192Blumenthal,
            Cipher::Aes192c => Self::Aes192Reeder,
            Cipher::Aes256 => Self::Aes256Blumenthal,
            Cipher::Aes256c => Self::Aes256Reeder,
        }
    }
}
