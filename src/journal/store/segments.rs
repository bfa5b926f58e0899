//! The segments in order of position, and reading across them. Where an event lies, hot, full or sealed, shows nowhere
//! above this file.

use std::sync::Arc;

use super::chunk::Damage;
use super::hot::{Hot, parse};
use crate::events::Recorded;
use crate::journal::sealed::{SealedError, Segment};
use crate::journal::{READ_LIMIT_MAX, ReadError};
use crate::model::{EventId, Position, Scope, Sequence};

/// Every segment, oldest first. Replaced as a whole when the list changes, so that a reader works on one list.
#[derive(Clone)]
pub(super) struct Segments {
    pub older: Vec<Older>,
    pub hot: Arc<Hot>,
}

/// A segment that is no longer written.
#[derive(Clone)]
pub(super) enum Older {
    /// Full, waiting to be sealed.
    Retired { hot: Arc<Hot>, last: Position },
    /// Sealed.
    Sealed(Arc<Segment>),
}

impl Older {
    pub fn first(&self) -> Position {
        match self {
            Self::Retired { hot, .. } => hot.first,
            Self::Sealed(segment) => segment.first(),
        }
    }

    pub fn last(&self) -> Position {
        match self {
            Self::Retired { last, .. } => *last,
            Self::Sealed(segment) => segment.last(),
        }
    }

    fn read(&self, after: Position, limit: usize, until: Position, out: &mut Vec<Recorded>) -> Result<(), ReadError> {
        match self {
            Self::Retired { hot, .. } => hot.read(after, limit, until, out),
            Self::Sealed(segment) => {
                let wanted = limit.saturating_sub(out.len());
                let room = usize::try_from(until.0.saturating_sub(after.0)).unwrap_or(usize::MAX);
                segment.read(after, wanted.min(room), |record| {
                    let event = parse(out.last(), record.position, record.bytes)?;
                    out.push(event);
                    Ok(())
                })
            }
        }
    }

    fn read_scope(&self, scope: &Scope, after: Sequence, limit: usize) -> Result<Vec<Recorded>, ReadError> {
        match self {
            Self::Retired { hot, last } => {
                let positions = hot.index().scope_positions(scope, after, limit, *last);
                hot.read_at(&positions)
            }
            Self::Sealed(segment) => {
                let records = segment.read_scope(scope, after, limit)?;
                records.iter().map(|(position, bytes)| parse(None, *position, bytes)).collect()
            }
        }
    }

    fn may_hold(&self, id: EventId) -> bool {
        match self {
            Self::Retired { hot, .. } => hot.index().position(id).is_some(),
            Self::Sealed(segment) => segment.may_hold(id),
        }
    }

    fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        match self {
            Self::Retired { hot, last } => hot.find(id, *last),
            Self::Sealed(segment) => {
                let record = segment.find(id)?;
                record.map(|(position, bytes)| parse(None, position, &bytes)).transpose()
            }
        }
    }
}

/// A sealed segment's failure as the port's.
impl From<SealedError> for ReadError {
    fn from(error: SealedError) -> Self {
        match error.first_bad_position() {
            Some(position) => Self::Damaged { position, finding: error.to_string() },
            None => Self::Store(Arc::from(super::whole_story(&error))),
        }
    }
}

impl Segments {
    /// Events after `after`, at most `limit`, none after `until`. A declared hole is passed over.
    pub fn read(&self, after: Position, limit: usize, until: Position) -> Result<Vec<Recorded>, ReadError> {
        let limit = limit.min(READ_LIMIT_MAX);
        let mut out = Vec::with_capacity(limit.min(until.0.saturating_sub(after.0) as usize));
        for older in &self.older {
            if out.len() < limit && older.last() > after {
                let after = Position(after.0.max(older.first().0 - 1));
                older.read(after, limit, older.last().min(until), &mut out)?;
            }
        }
        if out.len() < limit && after < until {
            self.hot.read(Position(after.0.max(self.hot.first.0 - 1)), limit, until, &mut out)?;
        }
        Ok(out)
    }

    /// Events of a scope after sequence `after`, at most `limit`, none after position `until`.
    pub fn read_scope(
        &self,
        scope: &Scope,
        after: Sequence,
        limit: usize,
        until: Position,
    ) -> Result<Vec<Recorded>, ReadError> {
        let limit = limit.min(READ_LIMIT_MAX);
        let mut out = Vec::new();
        let carry = self.hot.index().carry(scope);
        // every scope is carried into the hot segment with its last sequence, so most reads ask no other one
        if carry.is_none_or(|carry| after < carry) {
            for older in &self.older {
                let after = out.last().map_or(after, |last: &Recorded| last.envelope.sequence);
                if out.len() < limit {
                    out.extend(older.read_scope(scope, after, limit - out.len())?);
                }
            }
        }
        if out.len() < limit {
            let after = out.last().map_or(after, |last| last.envelope.sequence);
            let positions = self.hot.index().scope_positions(scope, after, limit - out.len(), until);
            out.extend(self.hot.read_at(&positions)?);
        }
        match out.iter().find(|event| event.envelope.scope != *scope) {
            None => Ok(out),
            Some(other) => Err(misplaced(other, &format!("the index has it in {scope}"))),
        }
    }

    /// Whether some segment might hold the event: asks indexes in memory only. "No" is certain.
    pub fn may_hold(&self, id: EventId) -> bool {
        self.hot.index().position(id).is_some() || self.older.iter().any(|older| older.may_hold(id))
    }

    /// The event of that id, if its position is not past `until`.
    pub fn find(&self, id: EventId, until: Position) -> Result<Option<Recorded>, ReadError> {
        let mut found = self.hot.find(id, until)?;
        for older in self.older.iter().rev() {
            if found.is_none() {
                found = older.find(id)?;
            }
        }
        match found {
            Some(other) if other.envelope.id != id => Err(misplaced(&other, &format!("the index has it as {id}"))),
            found => Ok(found),
        }
    }
}

fn misplaced(event: &Recorded, finding: &str) -> ReadError {
    let Damage { position, finding } = Damage::at(event.envelope.position, finding);
    ReadError::Damaged { position, finding }
}
