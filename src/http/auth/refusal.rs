//! Why a caller is not let in. For the log and the metrics; the caller is told only that it is so, because a precise
//! answer would say which guess came close.

/// Why no principal came of a request's credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Nothing was sent.
    #[error("no credentials were sent")]
    Missing,
    /// Not `Bearer` and one token of a shape that is configured.
    #[error("the authorization is not `Bearer` and one token of a kind that is accepted here")]
    Malformed,
    /// More bytes than any token has.
    #[error("the token is longer than {} bytes", super::TOKEN_BYTES_MAX)]
    TooLong,
    /// A token of ours that is not in the file, or whose secret is another.
    #[error("the token is not in the tokens file, or its secret is another")]
    UnknownToken,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not begun, or it says it was issued in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Signed by a method that is not RS256 or ES256, or not the one of its key.
    #[error("the token is not signed by RS256 or ES256 as its key is")]
    Algorithm,
    /// The issuer has no key of that id.
    #[error("the token names no key of its issuer")]
    UnknownKey,
    /// The signature is not of this text by that key.
    #[error("the signature is not the issuer's")]
    Signature,
    /// A claim is missing, twice there, or not of its type.
    #[error("the claim `{0}` is missing, repeated, or not of its type")]
    Claim(&'static str),
    /// Another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// Meant for somebody else.
    #[error("the token is for another audience or client")]
    Audience,
    /// An ID token where an access token is asked, or the other way round.
    #[error("the token is not of the use that is asked here")]
    Use,
    /// Sound, and its groups grant nothing here.
    #[error("the token is sound, and nothing is granted to its groups")]
    NothingGranted,
    /// Not the secret that an external actor is known by, or none is known.
    #[error("the authorization is not the secret of an external actor")]
    External,
    /// The issuer's keys are not known and could not be fetched.
    #[error("the issuer's keys could not be fetched")]
    IssuerUnavailable,
}

/// What kind of answer a refusal gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// Say who you are: 401.
    Unauthenticated,
    /// We know who you are, and you may not: 403.
    Forbidden,
    /// We cannot tell at present: 503.
    Unavailable,
}

impl Refusal {
    /// The kind of answer.
    pub const fn kind(self) -> RefusalKind {
        match self {
            Self::NothingGranted => RefusalKind::Forbidden,
            Self::IssuerUnavailable => RefusalKind::Unavailable,
            Self::Missing
            | Self::Malformed
            | Self::TooLong
            | Self::UnknownToken
            | Self::Expired
            | Self::NotYetValid
            | Self::Algorithm
            | Self::UnknownKey
            | Self::Signature
            | Self::Claim(_)
            | Self::Issuer
            | Self::Audience
            | Self::Use
            | Self::External => RefusalKind::Unauthenticated,
        }
    }

    /// A word for it, of which there are a bounded number: a metric's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::UnknownToken => "unknown_token",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claim(_) => "claim",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Use => "use",
            Self::External => "external",
            Self::NothingGranted => "nothing_granted",
            Self::IssuerUnavailable => "issuer_unavailable",
        }
    }
}
