//! What a request says of its sender: a token in its header, or the one of a page's session. Which of them counts, and
//! from where a session may be used; whether the token holds is not known here.

use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use super::SessionCookie;
use crate::http::auth::Refusal;
use crate::http::origin::{Origins, Page, is_safe};

/// What a request brings along.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::http) enum Credential {
    /// Nothing.
    None,
    /// An `Authorization` header, as it stands there.
    Header(Vec<u8>),
    /// A session's token, in the form of such a header.
    Session(Vec<u8>),
}

/// A session that is used from where it may not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct NotFromAPage;

impl Credential {
    /// What these headers bring. A header goes before a session: who sends one means it. A session counts only for our
    /// own pages, and for no page at all; a page of an origin that the configuration names brings a token of its own.
    pub fn of(headers: &HeaderMap, origins: &Origins, session: SessionCookie) -> Result<Self, Refusal> {
        // Which of two somebody is, a proxy before us may see otherwise.
        if headers.get_all(AUTHORIZATION).nth(1).is_some() {
            return Err(Refusal::Malformed);
        }
        if let Some(authorization) = headers.get(AUTHORIZATION) {
            return Ok(Self::Header(authorization.as_bytes().to_vec()));
        }
        if origins.of(headers) != Page::Ours {
            return Ok(Self::None);
        }
        let token = session.read(headers).map_err(|_| Refusal::Malformed)?;
        Ok(token.map_or(Self::None, |token| Self::Session(format!("Bearer {token}").into_bytes())))
    }

    /// A browser sends a session along whoever makes it ask. So what changes something must show that a page of ours
    /// asked; a header nobody but its owner can set, and it needs no more.
    pub fn may_send(&self, method: &Method, headers: &HeaderMap, origins: &Origins) -> Result<(), NotFromAPage> {
        let fine = match self {
            Self::None | Self::Header(_) => true,
            Self::Session(_) => is_safe(method) || origins.show_ours(headers),
        };
        if fine { Ok(()) } else { Err(NotFromAPage) }
    }

    /// As an `Authorization` header.
    pub fn authorization(&self) -> Option<&[u8]> {
        match self {
            Self::None => None,
            Self::Header(authorization) | Self::Session(authorization) => Some(authorization),
        }
    }

    /// Whether it is a page's session.
    pub fn is_session(&self) -> bool {
        matches!(self, Self::Session(_))
    }
}
