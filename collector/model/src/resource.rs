//! Resource ids: a UUID as it is, any other text as the UUID that Gnocchi derives from it and its creator. What a
//! resource holds is the catalogue's, the types of its attributes are in `attribute`.

use uuid::{Uuid, uuid};

/// Gnocchi's namespace for ids derived from free-form texts.
pub const RESOURCE_ID_NAMESPACE: Uuid = uuid!("0a7a15ff-aa13-4ac2-897c-9bdf30ce175b");

/// Longest free-form id, in characters.
pub const MAX_RESOURCE_ID_CHARS: usize = 255;

/// Why a text is no resource id, in Gnocchi's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceIdError {
    /// It would be a path of its own in the API.
    #[error("'/' is not supported in resource id")]
    Slash,
    /// Longer than so many characters.
    #[error("transformable resource id >{0} max allowed characters")]
    TooLong(usize),
}

/// A UUID in the forms that Python takes: hyphens anywhere or nowhere, braces, `urn:uuid:`.
#[must_use]
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let bare = text.replace("urn:", "").replace("uuid:", "");
    let hex = bare.trim_matches(['{', '}']).replace('-', "");
    let exact = hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    exact.then(|| Uuid::try_parse(&hex).ok()).flatten()
}

/// The id of the resource that `creator` calls `text`: a UUID as it stands, else one derived from both, so that two
/// creators get different resources for one text.
///
/// # Errors
/// [`ResourceIdError`] for a text with a slash or of more than [`MAX_RESOURCE_ID_CHARS`] characters.
pub fn resource_id(text: &str, creator: Option<&str>) -> Result<Uuid, ResourceIdError> {
    resource_id_within(text, creator, MAX_RESOURCE_ID_CHARS)
}

/// The same with another bound on the length of a text, in characters: releases of Gnocchi differ in it.
///
/// # Errors
/// [`ResourceIdError`] for a text with a slash or of more than `longest` characters.
pub fn resource_id_within(
    text: &str,
    creator: Option<&str>,
    longest: usize,
) -> Result<Uuid, ResourceIdError> {
    if text.contains('/') {
        return Err(ResourceIdError::Slash);
    }
    if let Some(id) = parse_uuid(text) {
        return Ok(id);
    }
    if text.chars().count() > longest {
        return Err(ResourceIdError::TooLong(longest));
    }
    let name = format!("{text}\0{}", creator.unwrap_or("\0"));
    Ok(Uuid::new_v5(&RESOURCE_ID_NAMESPACE, name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_in_any_form_is_itself_whoever_creates_it() {
        let id = uuid!("6b8287d4-0142-4d3d-8f5e-d1e6d6b2a6a1");
        for text in [
            "6b8287d4-0142-4d3d-8f5e-d1e6d6b2a6a1",
            "6b8287d401424d3d8f5ed1e6d6b2a6a1",
            "{6B8287D4-0142-4D3D-8F5E-D1E6D6B2A6A1}",
            "urn:uuid:6b8287d4-0142-4d3d-8f5e-d1e6d6b2a6a1",
        ] {
            assert_eq!(resource_id(text, Some("admin")), Ok(id));
            assert_eq!(resource_id(text, None), Ok(id));
        }
    }

    #[test]
    fn a_free_text_gives_gnocchis_id_of_text_and_creator() {
        // Asked of Gnocchi 4.4.2: gnocchi.utils.ResourceUUID.
        let cases = [
            (
                "compute-1",
                Some("admin"),
                "5e7fbe89-1abb-5e93-8ac3-c258f9921152",
            ),
            (
                "compute-1",
                Some("admin:project"),
                "d8e2d296-c872-5520-8632-a696d5c66579",
            ),
            ("compute-1", None, "ca26c9f2-d1d2-5664-bbf5-d72528c5d94b"),
            (
                "虚拟机",
                Some("admin"),
                "505d0a3f-186c-56ab-968c-4dbd2868f5ff",
            ),
        ];
        for (text, creator, id) in cases {
            assert_eq!(
                resource_id(text, creator).unwrap().to_string(),
                id,
                "{text} {creator:?}"
            );
        }
    }

    #[test]
    fn slashes_and_long_texts_are_refused() {
        assert_eq!(resource_id("a/b", None), Err(ResourceIdError::Slash));
        assert_eq!(
            resource_id(&"é".repeat(256), None),
            Err(ResourceIdError::TooLong(255))
        );
        assert!(resource_id(&"é".repeat(255), None).is_ok());
        assert_eq!(
            ResourceIdError::TooLong(255).to_string(),
            "transformable resource id >255 max allowed characters"
        );
    }

    #[test]
    fn what_only_looks_like_a_uuid_is_none() {
        for text in [
            "",
            "6b8287d401424d3d8f5ed1e6d6b2a6a",
            "zb8287d401424d3d8f5ed1e6d6b2a6a1",
            "6b8287d401424d3d8f5ed1e6d6b2a6a1a",
        ] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }
}
