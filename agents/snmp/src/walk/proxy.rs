//! Messages of version 3 for an engine that is reached through another one (RFC 3413, section 3.5): the proxy is the
//! authority for time and keys, the context names the engine that is meant. The SNMP crate always means the authority
//! itself, so the context of its messages is exchanged here on their way out, and back again on the way in.

use async_snmp::ber::Decoder;
use async_snmp::message::{MsgGlobalData, RawMsgData, RawV3Message, ScopedPdu, V3Message};
use async_snmp::v3::auth::{authenticate_message, verify_message};
use async_snmp::v3::{DerivedKeys, SaltCounter, UsmSecurityParams};
use async_snmp::{DecodeConfig, DesSaltState, Error, PrivProtocol, Result, UsmConfig};
use bytes::Bytes;

/// Exchanges the context engine of messages.
pub(crate) struct Proxy {
    /// The engine that is meant.
    engine: Bytes,
    user: UsmConfig,
    salts: SaltCounter,
    des_salts: Option<DesSaltState>,
}

/// A message without its protection.
struct Opened {
    header: MsgGlobalData,
    usm: UsmSecurityParams,
    keys: Option<DerivedKeys>,
    scoped: ScopedPdu,
}

impl Proxy {
    /// For messages of `user` to `engine`.
    pub(crate) fn new(
        engine: Bytes,
        user: UsmConfig,
        des_salts: Option<DesSaltState>,
    ) -> Result<Self> {
        Ok(Self {
            engine,
            user,
            salts: SaltCounter::new()?,
            des_salts,
        })
    }

    /// A request as it is to be sent. The discovery of the authority stays as it is.
    pub(crate) fn outbound(&self, message: &[u8]) -> Result<Vec<u8>> {
        let bytes = Bytes::copy_from_slice(message);
        match self.open(&bytes)? {
            Some(mut opened) => {
                opened.scoped.context_engine_id = self.engine.clone();
                self.close(&opened)
            }
            None => Ok(message.to_vec()),
        }
    }

    /// An answer as the SNMP crate expects it. What is not from the engine that is meant, or not signed by the authority,
    /// stays as it is, for the SNMP crate to judge.
    pub(crate) fn inbound(&self, message: Bytes) -> Bytes {
        let exchanged = self.open(&message).ok().flatten().and_then(|mut opened| {
            if opened.scoped.context_engine_id != self.engine || !is_signed(&opened, &message) {
                return None;
            }
            opened.scoped.context_engine_id = opened.usm.engine_id().clone();
            self.close(&opened).ok()
        });
        exchanged.map_or(message, Bytes::from)
    }

    /// `None` of a discovery, which belongs to no user yet.
    fn open(&self, message: &Bytes) -> Result<Option<Opened>> {
        let config = DecodeConfig::default();
        let raw = RawV3Message::decode(message.clone(), config)?.value;
        let usm = UsmSecurityParams::decode(raw.security_params().clone(), config)?.value;
        if usm.engine_id().is_empty() || usm.username().is_empty() {
            return Ok(None);
        }
        let level = raw.security_level();
        let keys = if level.requires_auth() {
            Some(self.user.derive_keys(usm.engine_id()).map_err(broken)?)
        } else {
            None
        };
        let plain = match raw.msg_data() {
            RawMsgData::Plaintext { data, .. } => data.clone(),
            RawMsgData::Encrypted(cipher) => {
                let key = keys.as_ref().and_then(|keys| keys.priv_key.as_ref());
                let key = key.ok_or_else(|| broken("a private message without a private key"))?;
                let (boots, time) = (usm.engine_boots(), usm.engine_time());
                key.decrypt(cipher, boots, time, usm.priv_params())
                    .map_err(broken)?
            }
        };
        let scoped = ScopedPdu::decode(&mut Decoder::new(plain))?;
        Ok(Some(Opened {
            header: raw.global_data().clone(),
            usm,
            keys,
            scoped,
        }))
    }

    fn close(&self, opened: &Opened) -> Result<Vec<u8>> {
        let (boots, time) = (opened.usm.engine_boots(), opened.usm.engine_time());
        let (engine, user) = (opened.usm.engine_id(), opened.usm.username());
        let mut usm = UsmSecurityParams::new(engine.clone(), boots, time, user.clone())?;
        let signing = opened.keys.as_ref().and_then(|keys| keys.auth_key.as_ref());
        if let Some(key) = signing {
            usm = usm.with_auth_placeholder(key.mac_len())?;
        }
        let header = opened.header.clone();
        let message = if header.msg_flags().security_level.requires_priv() {
            let key = opened.keys.as_ref().and_then(|keys| keys.priv_key.as_ref());
            let key = key.ok_or_else(|| broken("a private message without a private key"))?;
            let plain = opened.scoped.encode_to_bytes()?;
            let closed = match (key.protocol(), &self.des_salts) {
                (PrivProtocol::Des, Some(salts)) => key.encrypt_des_family(&plain, salts),
                _ => key.encrypt_aes(&plain, boots, time, &self.salts),
            };
            let (cipher, salt) = closed.map_err(broken)?;
            let usm = usm.with_priv_params(salt)?.encode()?;
            V3Message::new_with_opaque_encrypted_scoped_pdu(header, usm, cipher)?
        } else {
            V3Message::new(header, usm.encode()?, opened.scoped.clone())?
        };
        let mut message = message.encode()?.to_vec();
        if let Some(key) = signing {
            let at = UsmSecurityParams::find_auth_params_offset(&message);
            let (offset, length) = at.ok_or_else(|| broken("a message without a signature"))?;
            authenticate_message(key, &mut message, offset, length).map_err(broken)?;
        }
        Ok(message)
    }
}

/// Whether nobody but the authority can have made the message, as far as its security level tells.
fn is_signed(opened: &Opened, message: &[u8]) -> bool {
    let Some(key) = opened.keys.as_ref().and_then(|keys| keys.auth_key.as_ref()) else {
        return true;
    };
    UsmSecurityParams::find_auth_params_offset(message).is_some_and(|(offset, length)| {
        matches!(verify_message(key, message, offset, length), Ok(true))
    })
}

fn broken(reason: impl std::fmt::Display) -> Box<Error> {
    Box::new(Error::Config(reason.to_string().into()))
}
