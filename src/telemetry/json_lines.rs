//! Log lines as JSON: one flat object per line, fields under their dotted names, those of the spans around included.
//!
//! ```json
//! {"at":"2026-11-22T21:04:07.125Z","level":"ERROR","from":"streamwarden::journal","message":"…","journal.reason":"…"}
//! ```

use std::fmt::{self, Debug};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes events as JSON lines.
pub(super) struct JsonLines;

/// Keeps a span's fields as a JSON object, for the lines within it.
pub(super) struct JsonFields;

/// Fields in their order, an event's message among them.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut at = String::new();
        SystemTime.format_time(&mut Writer::new(&mut at))?;
        let mut fields = Fields::default();
        fields.0.insert("at".to_owned(), at.into());
        fields.0.insert("level".to_owned(), event.metadata().level().as_str().into());
        fields.0.insert("from".to_owned(), event.metadata().target().into());
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(kept) = span.extensions().get::<FormattedFields<N>>() {
                let objects = serde_json::Deserializer::from_str(kept).into_iter::<Map<String, Value>>();
                objects.map_while(Result::ok).for_each(|object| fields.0.extend(object));
            }
        }
        event.record(&mut fields);
        writeln!(writer, "{}", Value::Object(fields.0))
    }
}

impl<'writer> FormatFields<'writer> for JsonFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut kept = Fields::default();
        fields.record(&mut kept);
        write!(writer, "{}", Value::Object(kept.0))
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Where the lines of one test go.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("one thread").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_flat_object_with_dotted_names_and_survives_hostile_words() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().event_format(JsonLines).fmt_fields(JsonFields);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", request.id = "7-1", late = tracing::field::Empty);
            span.record("late", true);
            let _within = span.enter();
            tracing::error!(journal.reason = "a \"quote\"\nand a line", journal.tries = 3, path = %"x", "it failed");
        });
        let text = String::from_utf8(lines.0.lock().expect("one thread").clone()).expect("UTF-8");
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(line["message"], "it failed");
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["journal.reason"], "a \"quote\"\nand a line");
        assert_eq!(line["journal.tries"], 3);
        assert_eq!((&line["request.id"], &line["late"]), (&"7-1".into(), &true.into()), "the span's, {text}");
        assert!(line["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{text}");
    }
}
