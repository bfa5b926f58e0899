//! What is not understood is refused with what was expected and where, and costs its neighbours nothing.

use streamwarden::notifications::{NOTIFICATION_BYTES_MAX, Notification, RECORDS_MAX, read};

use crate::{changed, data, only};

fn reason(bytes: &[u8]) -> String {
    let rejected = only(bytes).expect_err("expected a rejection");
    assert!(rejected.reason().len() <= 300, "{rejected}");
    rejected.to_string()
}

#[test]
fn a_refusal_says_what_was_expected_and_where() {
    let rows: &[(Vec<u8>, &str)] = &[
        (b"".to_vec(), "expected a notification: EOF while parsing a value at line 1 column 0"),
        (b"not json".to_vec(), "expected a notification: expected ident at line 1 column 2"),
        (b"{}".to_vec(), "found none of them"),
        (b"{\"Event\":\"s3:Other\"}".to_vec(), "found none of them"),
        (b"[1]".to_vec(), "expected a notification: "),
        (vec![b' '; NOTIFICATION_BYTES_MAX + 1], "expected at most 1048576 bytes, there are 1048577"),
        (changed("s3-object-created-thumb0.json", "aws.s3", "aws.ec2"), "found \"Object Created\" of \"aws.ec2\""),
        (
            changed("s3-object-created-thumb0.json", "\"key\"", "\"kee\""),
            "the detail of \"Object Created\": missing field `key`",
        ),
        (changed("s3-object-created-thumb0.json", "2026-03-07T09:06:10Z", "soon"), "expected an EventBridge event: "),
        (changed("s3-object-created-thumb0.json", "thumb0.jpg", "picture0.png"), "thumbnails/thumb<number>.jpg"),
        (changed("s3-object-created-thumb0.json", "thumb0.jpg", "a/b/thumb0.jpg"), "thumbnails/thumb<number>.jpg"),
        (changed("s3-object-created-thumb0.json", "AbCdef1G2hij", "Ab Cdef"), "expected a channel's name in the key"),
        (changed("ivs-stream-state-stream-start.json", "Stream Start", "Stream Melted"), "found \"Stream Melted\""),
        (changed("ivs-stream-state-stream-start.json", "arn:aws:ivs:", "arn:aws:s3:"), "resources[0]"),
        (changed("ivs-stream-state-stream-start.json", "st-1A2b3c4D5e6F78ghij9Klmn", ""), "expected a stream's id"),
        (
            changed("ivs-stream-state-stream-start.json", "st-1A2b3c4D5e6F78ghij9Klmn", "unnamed/x"),
            "expected a stream's id",
        ),
        (changed("ivs-recording-state-start.json", "Recording Start", "Recording"), "found \"Recording\""),
        (b"{\"Records\":[]}".to_vec(), "expected 1 to 1000 \"Records\", there are 0"),
        (b"{\"Records\":{}}".to_vec(), "expected an S3 notification with a list of \"Records\": "),
        (b"{\"frame\":{}}".to_vec(), "expected a frame notification: missing field `channel`"),
        (
            b"{\"frame\":{\"channel\":\"c\",\"captured_at\":\"2026-03-07T09:06:10Z\",\"bucket\":\"b\",\"key\":\"k\"}}"
                .to_vec(),
            "expected frame.bucket of 3 to 63 bytes, it has 1",
        ),
        (b"{\"frame\":{\"chanel\":\"c\"}}".to_vec(), "unknown field `chanel`"),
    ];
    for (bytes, expected) in rows {
        let reason = reason(bytes);
        assert!(reason.contains(expected), "expected {expected:?} in {reason:?}");
    }
}

#[test]
fn a_record_that_is_not_understood_costs_its_neighbours_nothing() {
    let rows = [
        ("\"eventVersion\": \"2.1\"", "\"eventVersion\": \"3.0\"", "found \"3.0\""),
        ("\"eventVersion\": \"2.1\"", "\"eventVersion\": \"2.0\"", "found \"2.0\""),
        ("\"eventSource\": \"aws:s3\"", "\"eventSource\": \"aws:sqs\"", "found \"aws:sqs\""),
        ("thumbnails/thumb0.jpg", "thumbnails/thumb%ZZ.jpg", "encoded like a form"),
        ("\"eventTime\"", "\"eventHour\"", "missing field `eventTime`"),
    ];
    for (from, to, expected) in rows {
        let text = String::from_utf8(data("s3-notification-records.json")).unwrap();
        let said = read(text.replacen(from, to, 1).as_bytes()); // the first record only
        assert_eq!(said.len(), 2);
        let reason = said[0].as_ref().expect_err("expected a rejection").to_string();
        assert!(reason.starts_with("Records[0]: ") && reason.contains(expected), "{reason:?}");
        assert!(matches!(said[1], Ok(Notification::Ignored(_))));
    }
}

#[test]
fn later_minor_versions_and_other_kinds_of_records_are_understood() {
    let said = |from, to| read(&changed("s3-notification-records.json", from, to));
    assert!(matches!(said("\"2.1\"", "\"2.3\"")[0], Ok(Notification::Frame(_))));
    assert!(matches!(said("ObjectCreated:Put", "s3:ObjectCreated:Copy")[0], Ok(Notification::Frame(_))));
    assert!(matches!(said("ObjectCreated:Put", "ObjectRemoved:Delete")[0], Ok(Notification::Ignored(_))));
}

#[test]
fn more_records_than_the_bound_are_refused_whole() {
    let records = vec!["0"; RECORDS_MAX + 1].join(",");
    assert!(reason(format!("{{\"Records\":[{records}]}}").as_bytes()).contains("there are 1001"));
}
