//! What a token's claims must say. Pure: the signature was checked before, the time is handed in.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::http::auth::Refusal;
use crate::http::auth::config::{OidcConfig, TokenUse};
use crate::model::Timestamp;

/// The most groups of a token that are looked at. Cognito's limit per person is 100.
const GROUPS_MAX: usize = 256;
/// The longest subject (OpenID Connect Core, section 2).
const SUBJECT_BYTES_MAX: usize = 255;

/// Claims by name. A name that is there twice is refused: which of the two another reader takes, nobody can say.
#[derive(Debug)]
pub(super) struct Claims(BTreeMap<String, Value>);

/// Whom a token speaks of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subject {
    /// The issuer's name for them.
    pub(super) id: String,
    /// Their groups.
    pub(super) groups: Vec<String>,
    /// When the token expires. It is taken for a while longer, as clocks may differ.
    pub(super) until: Timestamp,
}

impl Claims {
    /// Whom the claims speak of, if they are for us and in force.
    ///
    /// `typ` is the header's.
    pub(super) fn check(&self, typ: Option<&str>, expected: &OidcConfig, now: Timestamp) -> Result<Subject, Refusal> {
        if self.text("iss")? != Some(&expected.issuer) {
            return Err(Refusal::Issuer);
        }
        let until = self.check_times(expected.leeway_s, now)?;
        self.check_use(typ, expected.accepts)?;
        self.check_audience(expected)?;
        let subject = self.text("sub")?.ok_or(Refusal::Claim("sub"))?;
        if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX {
            return Err(Refusal::Claim("sub"));
        }
        Ok(Subject { id: subject.to_owned(), groups: self.groups(&expected.groups_claim)?, until })
    }

    /// Whom an ID token speaks of that answers a question of ours: made for this client, and for this one attempt.
    pub(super) fn check_answer(
        &self,
        expected: &OidcConfig,
        client: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        if self.text("iss")? != Some(&expected.issuer) {
            return Err(Refusal::Issuer);
        }
        self.check_times(expected.leeway_s, now)?;
        // Of several audiences, the one it was made for is named (OpenID Connect Core, section 3.1.3.7).
        let audiences = self.texts("aud")?;
        let party = self.text("azp")?;
        let is_ours = audiences.iter().any(|audience| audience == client);
        if !is_ours || party.is_some_and(|party| party != client) || (audiences.len() > 1 && party.is_none()) {
            return Err(Refusal::Audience);
        }
        if self.text("nonce")? != Some(nonce) {
            return Err(Refusal::Claim("nonce"));
        }
        Ok(self.text("sub")?.ok_or(Refusal::Claim("sub"))?.to_owned())
    }

    /// When the token expires, if it is in force.
    fn check_times(&self, leeway_s: u32, now: Timestamp) -> Result<Timestamp, Refusal> {
        let now_s = now.as_micros() as f64 / 1e6;
        let leeway_s = f64::from(leeway_s);
        let expires = self.seconds("exp")?.ok_or(Refusal::Claim("exp"))?;
        if now_s >= expires + leeway_s {
            return Err(Refusal::Expired);
        }
        for begins in [self.seconds("nbf")?, self.seconds("iat")?].into_iter().flatten() {
            if now_s + leeway_s < begins {
                return Err(Refusal::NotYetValid);
            }
        }
        Ok(Timestamp::from_millis((expires * 1000.0) as i64)) // a time beyond all times is the last there is
    }

    fn check_use(&self, typ: Option<&str>, accepts: TokenUse) -> Result<(), Refusal> {
        let said = self.text("token_use")?;
        // RFC 9068: `at+jwt`, or with the `application/` that a media type may leave out.
        let typ = typ.unwrap_or_default().to_ascii_lowercase();
        let is_access_typ = matches!(typ.as_str(), "at+jwt" | "application/at+jwt");
        let of_id_tokens = ["nonce", "at_hash", "c_hash"].iter().any(|claim| self.0.contains_key(*claim))
            || self.0.get("typ").is_some_and(|typ| typ == "ID"); // Keycloak's mark
        let fine = match accepts {
            TokenUse::Access => said == Some("access") || (said.is_none() && is_access_typ),
            TokenUse::UnmarkedAccess => said.is_none_or(|said| said == "access") && !of_id_tokens,
            TokenUse::Id => said.is_none_or(|said| said == "id") && !is_access_typ,
        };
        if fine { Ok(()) } else { Err(Refusal::Use) }
    }

    fn check_audience(&self, expected: &OidcConfig) -> Result<(), Refusal> {
        let among = |accepted: &[String], found: &str| accepted.iter().any(|one| one == found);
        if !expected.audiences.is_empty() {
            let audiences = self.texts("aud")?;
            if !audiences.iter().any(|found| among(&expected.audiences, found)) {
                return Err(Refusal::Audience);
            }
        }
        if !expected.client_ids.is_empty() {
            let client = self.text("client_id")?;
            if !client.is_some_and(|found| among(&expected.client_ids, found)) {
                return Err(Refusal::Audience);
            }
        }
        Ok(())
    }

    fn groups(&self, claim: &str) -> Result<Vec<String>, Refusal> {
        let groups = self.texts_of(claim).ok_or(Refusal::Claim("groups"))?;
        if groups.len() > GROUPS_MAX { Err(Refusal::Claim("groups")) } else { Ok(groups) }
    }

    fn text(&self, claim: &'static str) -> Result<Option<&str>, Refusal> {
        match self.0.get(claim) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::Claim(claim)),
        }
    }

    fn texts(&self, claim: &'static str) -> Result<Vec<String>, Refusal> {
        self.texts_of(claim).ok_or(Refusal::Claim(claim))
    }

    /// One text or a list of them; none if it is something else, an empty list if it is not there.
    fn texts_of(&self, claim: &str) -> Option<Vec<String>> {
        match self.0.get(claim) {
            None => Some(Vec::new()),
            Some(Value::String(text)) => Some(vec![text.clone()]),
            Some(Value::Array(values)) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        }
    }

    /// A `NumericDate`: seconds since 1970 as a number, which may have a fraction.
    fn seconds(&self, claim: &'static str) -> Result<Option<f64>, Refusal> {
        match self.0.get(claim) {
            None => Ok(None),
            Some(value) => value.as_f64().filter(|seconds| *seconds >= 0.0).map(Some).ok_or(Refusal::Claim(claim)),
        }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Once;

        impl<'de> Visitor<'de> for Once {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims, each once")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
                let mut claims = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(de::Error::custom("a claim is there twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }

        deserializer.deserialize_map(Once)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn expected(accepts: TokenUse) -> OidcConfig {
        OidcConfig {
            issuer: "https://issuer.example".to_owned(),
            audiences: vec!["console".to_owned()],
            accepts,
            leeway_s: 30,
            ..OidcConfig::default()
        }
    }

    fn sound() -> Value {
        json!({"iss": "https://issuer.example", "sub": "someone", "aud": "console", "exp": 1_000_100, "token_use": "access"})
    }

    fn check(change: Value, typ: Option<&str>, expected: &OidcConfig) -> Result<Subject, Refusal> {
        let mut claims = sound();
        let (into, Value::Object(change)) = (claims.as_object_mut().expect("an object"), change) else { panic!() };
        for (name, value) in change {
            match value {
                Value::Null => drop(into.shift_remove(&name)),
                value => drop(into.insert(name, value)),
            }
        }
        serde_json::from_value::<Claims>(claims).expect("an object").check(typ, expected, NOW)
    }

    #[test]
    fn times_are_compared_with_the_leeway_and_not_a_second_more() {
        let expected = expected(TokenUse::Access);
        let at = |claim: &str, seconds: f64| check(json!({claim: seconds}), None, &expected).map(drop);
        assert_eq!(at("exp", 999_970.001), Ok(()));
        assert_eq!(at("exp", 999_970.0), Err(Refusal::Expired));
        for claim in ["nbf", "iat"] {
            assert_eq!(at(claim, 1_000_030.0), Ok(()));
            assert_eq!(at(claim, 1_000_030.001), Err(Refusal::NotYetValid));
        }
        for wrong in [json!("1000100"), json!(-1), json!(true), json!([1_000_100])] {
            assert_eq!(check(json!({"exp": wrong}), None, &expected), Err(Refusal::Claim("exp")));
        }
        assert_eq!(check(json!({"exp": null}), None, &expected), Err(Refusal::Claim("exp")));
    }

    #[test]
    fn a_token_of_another_use_is_refused() {
        let unmarked = json!({"token_use": null});
        let with = |claim: &str| json!({"token_use": null, claim: "x"});
        for (accepts, change, typ, fine) in [
            (TokenUse::Access, json!({}), None, true),
            (TokenUse::Access, json!({"token_use": "id"}), None, false),
            (TokenUse::Access, json!({"token_use": "id"}), Some("at+jwt"), false),
            (TokenUse::Access, unmarked.clone(), Some("JWT"), false),
            (TokenUse::Access, unmarked.clone(), Some("at+jwt"), true),
            (TokenUse::Access, unmarked.clone(), Some("application/AT+JWT"), true),
            (TokenUse::UnmarkedAccess, unmarked.clone(), Some("JWT"), true),
            (TokenUse::UnmarkedAccess, json!({"token_use": "id"}), None, false),
            (TokenUse::UnmarkedAccess, with("nonce"), None, false),
            (TokenUse::UnmarkedAccess, with("at_hash"), None, false),
            (TokenUse::UnmarkedAccess, json!({"token_use": null, "typ": "ID"}), None, false),
            (TokenUse::Id, json!({"token_use": "id"}), None, true),
            (TokenUse::Id, unmarked.clone(), Some("JWT"), true),
            (TokenUse::Id, json!({}), None, false),
            (TokenUse::Id, unmarked, Some("at+jwt"), false),
        ] {
            let checked = check(change.clone(), typ, &expected(accepts)).map(drop);
            assert_eq!(checked, if fine { Ok(()) } else { Err(Refusal::Use) }, "{accepts:?} {change} {typ:?}");
        }
    }

    #[test]
    fn an_answer_is_for_this_client_and_this_attempt() {
        let expected = expected(TokenUse::Access);
        let answer = |change: Value| {
            let mut claims = sound();
            claims["nonce"] = json!("n-1");
            for (name, value) in change.as_object().expect("an object") {
                claims[name] = value.clone();
            }
            let claims: Claims = serde_json::from_value(claims).expect("an object");
            claims.check_answer(&expected, "console", "n-1", NOW)
        };
        assert_eq!(answer(json!({})), Ok("someone".to_owned()));
        assert_eq!(answer(json!({"aud": ["console"], "azp": "console"})), Ok("someone".to_owned()));
        assert_eq!(answer(json!({"aud": ["console", "other"], "azp": "console"})), Ok("someone".to_owned()));
        for (change, why) in [
            (json!({"nonce": "n-2"}), Refusal::Claim("nonce")),
            (json!({"nonce": null}), Refusal::Claim("nonce")),
            (json!({"aud": "other"}), Refusal::Audience),
            (json!({"aud": []}), Refusal::Audience),
            (json!({"aud": ["console", "other"]}), Refusal::Audience),
            (json!({"azp": "other"}), Refusal::Audience),
            (json!({"iss": "https://other.example"}), Refusal::Issuer),
            (json!({"exp": 1}), Refusal::Expired),
            (json!({"sub": 7}), Refusal::Claim("sub")),
        ] {
            assert_eq!(answer(change.clone()), Err(why), "{change}");
        }
    }

    #[test]
    fn every_configured_name_must_be_met() {
        let both = OidcConfig { client_ids: vec!["app".to_owned()], ..expected(TokenUse::Access) };
        let audience = |change| check(change, None, &both).map(drop);
        assert_eq!(audience(json!({"client_id": "app"})), Ok(()));
        assert_eq!(audience(json!({"client_id": "app", "aud": ["other", "console"]})), Ok(()));
        for change in [
            json!({}),
            json!({"client_id": "other"}),
            json!({"client_id": "app", "aud": "other"}),
            json!({"client_id": "app", "aud": []}),
            json!({"client_id": "app", "aud": null}),
        ] {
            assert_eq!(audience(change.clone()), Err(Refusal::Audience), "{change}");
        }
        assert_eq!(audience(json!({"client_id": ["app"]})), Err(Refusal::Claim("client_id")));
        assert_eq!(audience(json!({"client_id": "app", "aud": ["console", 1]})), Err(Refusal::Claim("aud")));
    }

    #[test]
    fn issuer_subject_and_groups_are_of_their_type_and_size() {
        let expected = expected(TokenUse::Access);
        let checked = |change| check(change, None, &expected);
        for issuer in ["https://issuer.example/", "https://issuer.exampl", "HTTPS://issuer.example"] {
            assert_eq!(checked(json!({"iss": issuer})), Err(Refusal::Issuer), "{issuer}");
        }
        assert_eq!(checked(json!({"iss": null})), Err(Refusal::Issuer));
        assert_eq!(checked(json!({"iss": ["https://issuer.example"]})), Err(Refusal::Claim("iss")));
        for subject in [json!(null), json!(""), json!(7), json!("s".repeat(256))] {
            assert_eq!(checked(json!({"sub": subject})), Err(Refusal::Claim("sub")), "{subject}");
        }
        let groups = |groups: Value| checked(json!({"cognito:groups": groups})).map(|subject| subject.groups);
        assert_eq!(groups(json!(["a", "b"])), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(groups(json!("a")), Ok(vec!["a".to_owned()]));
        assert_eq!(groups(json!(null)), Ok(vec![]));
        assert_eq!(groups(json!(["a", 1])), Err(Refusal::Claim("groups")));
        assert_eq!(groups(json!(vec!["a"; 257])), Err(Refusal::Claim("groups")));
    }

    #[test]
    fn a_claim_that_is_there_twice_is_refused_whichever_it_is() {
        for text in [r#"{"sub":"a","sub":"a"}"#, r#"{"x":1,"x":2}"#, r#"{"sub":"a","s\u0075b":"b"}"#, "[]", "\"a\""] {
            assert!(serde_json::from_str::<Claims>(text).is_err(), "{text}");
        }
    }
}
