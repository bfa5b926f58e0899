//! Amazon EventBridge: events put on a bus, and whether the bus is there.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_types::DateTime;

use super::failure::class_of;
use super::{Aws, Class, Failure};
use crate::model::Timestamp;

/// The most entries of one call.
pub const ENTRIES_PER_CALL_MAX: usize = 10;
/// The most bytes of one call, as [`BusEntry::bytes`] counts them: the service takes less than 1 MB.
pub const BYTES_PER_CALL_MAX: usize = 1_000_000;

/// One event for a bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEntry {
    /// When it happened.
    pub time: Timestamp,
    /// Who says so.
    pub source: &'static str,
    /// What kind of event it is, at most 128 characters.
    pub detail_type: String,
    /// The event, a JSON object.
    pub detail: String,
    /// ARNs of what it is about.
    pub resources: Vec<String>,
    /// Whether its detail holds what may stand nowhere else: then a failure about it says its class and code, and not what
    /// the service said, which may quote it.
    pub confidential: bool,
}

impl BusEntry {
    /// Its size as the service counts it.
    pub fn bytes(&self) -> usize {
        const TIME: usize = 14;
        let resources: usize = self.resources.iter().map(String::len).sum();
        TIME + self.source.len() + self.detail_type.len() + self.detail.len() + resources
    }
}

/// A bus by its name or ARN.
#[derive(Debug, Clone)]
pub struct EventBus {
    client: Client,
    bus: String,
}

impl Aws {
    /// A bus, by its name or ARN.
    pub fn event_bus(&self, bus: impl Into<String>) -> EventBus {
        let mut config = aws_sdk_eventbridge::config::Builder::from(self.config());
        if let Some(endpoint) = &self.endpoints().eventbridge {
            config = config.endpoint_url(endpoint);
        }
        EventBus { client: Client::from_conf(config.build()), bus: bus.into() }
    }
}

impl EventBus {
    /// Its name or ARN.
    pub fn name(&self) -> &str {
        &self.bus
    }

    /// Fails if the bus is not there, or may not be looked at. Putting events does not tell: to a bus that is not there
    /// they are lost with an answer that says success.
    pub async fn describe(&self) -> Result<(), Failure> {
        let call = self.client.describe_event_bus().name(&self.bus).send();
        call.await.map(|_| ()).map_err(|error| Failure::of("DescribeEventBus", &error))
    }

    /// Puts at most [`ENTRIES_PER_CALL_MAX`] events of at most [`BYTES_PER_CALL_MAX`] bytes. The answer says of each, in
    /// their order, whether it was taken; a failure is that of the whole call. None quotes an entry that is confidential.
    pub async fn put(&self, entries: &[BusEntry]) -> Result<Vec<Result<(), Failure>>, Failure> {
        const OPERATION: &str = "PutEvents";
        let wire = entries.iter().map(|entry| {
            PutEventsRequestEntry::builder()
                .time(DateTime::from_millis(entry.time.as_micros() / 1000))
                .source(entry.source)
                .detail_type(&entry.detail_type)
                .detail(&entry.detail)
                .set_resources(Some(entry.resources.clone()))
                .event_bus_name(&self.bus)
                .build()
        });
        let may_quote = |confidential: bool, failure: Failure| {
            if confidential { failure.without_quotes() } else { failure }
        };
        let call = self.client.put_events().set_entries(Some(wire.collect())).send();
        let answer = call.await.map_err(|error| {
            may_quote(entries.iter().any(|entry| entry.confidential), Failure::of(OPERATION, &error))
        })?;
        let answers = answer.entries.unwrap_or_default();
        if answers.len() != entries.len() {
            let said = format!("{} entries were put, the answer is about {}", entries.len(), answers.len());
            return Err(Failure::nonsense(OPERATION, said));
        }
        Ok(answers
            .into_iter()
            .zip(entries)
            .map(|(answer, entry)| match (answer.event_id, answer.error_code) {
                (Some(_), None) => Ok(()),
                (_, Some(code)) => {
                    let failure = Failure::of_part(OPERATION, class_of_entry(&code), code, answer.error_message);
                    Err(may_quote(entry.confidential, failure))
                }
                (None, None) => Err(Failure::nonsense(OPERATION, "an entry with neither an id nor an error")),
            })
            .collect())
    }
}

/// What an entry's own error code means: entries come in an answer whose status is 200. Codes that nobody knows are
/// refusals of that entry.
fn class_of_entry(code: &str) -> Class {
    match class_of(Some(code), None) {
        Class::Nonsense => Class::Refused,
        class => class,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_counts_as_the_service_counts_it() {
        let entry = BusEntry {
            time: Timestamp::from_millis(0),
            source: "streamwarden",
            detail_type: "WarningRaised".to_owned(),
            detail: "{\"ü\":1}".to_owned(),
            resources: vec!["arn:a".to_owned(), "arn:bc".to_owned()],
            confidential: false,
        };
        assert_eq!(entry.bytes(), 14 + 12 + 13 + 8 + 5 + 6);
    }

    #[test]
    fn an_entrys_code_tells_what_may_be_repeated() {
        for (code, class) in [
            ("InternalFailure", Class::Unavailable),
            ("ThrottlingException", Class::Throttled),
            ("AccessDeniedException", Class::Denied),
            ("MalformedDetail", Class::Refused),
            ("NotAuthorizedForDetailTypeException", Class::Refused),
            ("SomethingNew", Class::Refused),
        ] {
            assert_eq!(class_of_entry(code), class, "{code}");
        }
    }
}
