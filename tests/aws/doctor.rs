//! What the doctor says of an account that is whole, and of each thing that is not.

use streamwarden::aws::{Aws, CallTimes, Endpoints};
use streamwarden::cli::doctor::{Finding, Needs, State, examine};
use streamwarden::clock::{Clock, ManualClock, SystemClock};

use crate::standins::{ACCOUNT, REGION, Stage, emulator, key, s3, sdk};

/// Rekognition and IVS of the stage, everything else of the emulator.
fn patient(stage: &Stage) -> Endpoints {
    let (here, emulated) = (|| Some(stage.endpoint.clone()), || Some(emulator().to_owned()));
    Endpoints {
        rekognition: here(),
        ivs: here(),
        ivs_chat: here(),
        sns: emulated(),
        kinesis: emulated(),
        s3: emulated(),
        eventbridge: emulated(),
        sts: emulated(),
    }
}

fn aws(endpoints: Endpoints) -> Aws {
    Aws::for_endpoints(REGION, endpoints, key(), CallTimes::default())
}

/// A stream, a bus and a bucket that announces its objects, named after the test.
async fn whole(name: &str) -> Needs {
    let sdk = sdk(emulator());
    let kinesis = aws_sdk_kinesis::Client::new(&sdk);
    kinesis.create_stream().stream_name(name).shard_count(2).send().await.unwrap();
    let stream = kinesis.describe_stream_summary().stream_name(name).send().await.unwrap();
    let stream = stream.stream_description_summary.unwrap().stream_arn;
    let consumer = kinesis.register_stream_consumer().stream_arn(&stream).consumer_name(name).send().await.unwrap();
    let topic = aws_sdk_sns::Client::new(&sdk).create_topic().name(name).send().await.unwrap().topic_arn;
    aws_sdk_eventbridge::Client::new(&sdk).create_event_bus().name(name).send().await.unwrap();
    s3().create_bucket().bucket(name).send().await.unwrap();
    announcing(name, true).await;
    let named = || Some(name.to_owned());
    Needs {
        stream: named(),
        consumer: Some(consumer.consumer.unwrap().consumer_arn),
        bus: named(),
        bucket: named(),
        evidence_bucket: named(),
        frames_bucket: named(),
        topic,
        rooms: vec![room("abcdABCDefgh")],
        unused: Vec::new(),
    }
}

/// A room's ARN. The stage has the one that is called so.
fn room(name: &str) -> String {
    format!("arn:aws:ivschat:{REGION}:{ACCOUNT}:room/{name}")
}

/// Switches a bucket's EventBridge notifications on or off.
async fn announcing(bucket: &str, on: bool) {
    use aws_sdk_s3::types::{EventBridgeConfiguration, NotificationConfiguration};
    let bridge = on.then(|| EventBridgeConfiguration::builder().build());
    let configuration = NotificationConfiguration::builder().set_event_bridge_configuration(bridge).build();
    let put = s3().put_bucket_notification_configuration().bucket(bucket).notification_configuration(configuration);
    put.send().await.unwrap();
}

/// What is wrong: each with what is said and what to do.
fn wrongs(findings: &[Finding]) -> Vec<(&'static str, &str, &str)> {
    let wrong = |finding: &'_ Finding| match &finding.state {
        State::Wrong { .. } => Some(finding.what),
        State::Well(_) | State::Unasked(_) => None,
    };
    let mut wrongs = Vec::new();
    for finding in findings {
        if let (Some(name), State::Wrong { what, fix }) = (wrong(finding), &finding.state) {
            wrongs.push((name, what.as_str(), fix.as_str()));
        }
    }
    wrongs
}

/// Exactly this is wrong, for this reason, and this is advised.
#[track_caller]
fn only(findings: &[Finding], name: &str, what: &str, fix: &str) {
    let wrongs = wrongs(findings);
    assert!(
        matches!(wrongs.as_slice(), [(found, said, advised)]
            if *found == name && said.contains(what) && advised.contains(fix)),
        "expected {name}: {what} / {fix}, found {wrongs:?}"
    );
}

#[actix_rt::test]
async fn an_account_that_is_whole_is_well() {
    let stage = Stage::new();
    let needs = whole("doctor-whole").await;
    let findings = examine(&aws(patient(&stage)), &needs, &SystemClock).await;
    let well = findings.iter().all(|finding| matches!(finding.state, State::Well(_)));
    assert!(well, "{findings:#?}");
    let names: Vec<&str> = findings.iter().map(|finding| finding.what).collect();
    assert_eq!(
        names,
        [
            "credentials",
            "clock",
            "stream",
            "consumer",
            "bus",
            "bucket",
            "evidence",
            "frames",
            "topic",
            "rooms",
            "rekognition",
            "ivs",
        ]
    );
    let said: String = findings.iter().map(Finding::to_string).collect();
    assert!(said.contains("well      stream       doctor-whole, 2 shards"), "{said}");
}

#[actix_rt::test]
async fn what_is_not_named_is_not_looked_at() {
    let stage = Stage::new();
    let findings = examine(&aws(patient(&stage)), &Needs::default(), &SystemClock).await;
    assert!(wrongs(&findings).is_empty(), "{findings:#?}");
    let unasked: Vec<&str> =
        findings.iter().filter(|finding| matches!(finding.state, State::Unasked(_))).map(|found| found.what).collect();
    assert_eq!(unasked, ["stream", "consumer", "bus", "bucket", "evidence", "frames", "topic", "rooms"]);
}

#[actix_rt::test]
async fn each_thing_that_is_missing_is_named_with_what_to_do() {
    let stage = Stage::new();
    let aws = aws(patient(&stage));
    let whole = whole("doctor-missing").await;
    let none = || Some("doctor-none".to_owned());

    let findings = examine(&aws, &Needs { stream: none(), consumer: None, ..whole.clone() }, &SystemClock).await;
    only(&findings, "stream", "ResourceNotFoundException", "NotificationStream");

    let findings = examine(&aws, &Needs { bus: none(), ..whole.clone() }, &SystemClock).await;
    only(&findings, "bus", "ResourceNotFoundException", "lost without a word");

    let findings = examine(&aws, &Needs { bucket: none(), ..whole.clone() }, &SystemClock).await;
    only(&findings, "bucket", "NoSuchBucket", "the bucket that IVS records to");

    let elsewhere = Needs { stream: none(), consumer: whole.consumer.clone(), ..Needs::default() };
    let findings = examine(&aws, &elsewhere, &SystemClock).await;
    let wrong = wrongs(&findings).into_iter().find(|(name, ..)| *name == "consumer");
    assert!(wrong.is_some_and(|(_, what, _)| what.contains("another stream")), "{findings:#?}");
    let gone = whole.consumer.as_ref().map(|arn| format!("{arn}0"));
    let findings = examine(&aws, &Needs { consumer: gone, ..whole.clone() }, &SystemClock).await;
    only(&findings, "consumer", "ResourceNotFoundException", "FannedOutReader");

    let findings = examine(&aws, &Needs { evidence_bucket: none(), ..whole.clone() }, &SystemClock).await;
    only(&findings, "evidence", "HeadBucket", "a bucket that is there");

    let findings = examine(&aws, &Needs { frames_bucket: none(), ..whole.clone() }, &SystemClock).await;
    only(&findings, "frames", "HeadBucket", "a bucket that is there");

    let topic = whole.topic.as_ref().map(|arn| format!("{arn}0"));
    let findings = examine(&aws, &Needs { topic, ..whole.clone() }, &SystemClock).await;
    only(&findings, "topic", "NotFound", "reach nobody");

    let rooms = vec![room("abcdABCDefgh"), room("none")];
    let findings = examine(&aws, &Needs { rooms, ..whole.clone() }, &SystemClock).await;
    only(&findings, "rooms", "room/none", "a room that is there");

    announcing("doctor-missing", false).await;
    let findings = examine(&aws, &whole, &SystemClock).await;
    only(&findings, "bucket", "announces nothing to EventBridge", "BucketNotifications");
}

#[actix_rt::test]
async fn what_may_not_be_done_names_the_statement_that_allows_it() {
    let stage = Stage::new();
    let denied = |op: &str| serde_json::json!({"op": op, "kind": "error", "code": "AccessDeniedException", "times": 1});
    let faults = [denied("ivs.ListStreams"), denied("rekognition.DetectModerationLabels")];
    stage.script(serde_json::json!({ "faults": faults })).await;
    let findings = examine(&aws(patient(&stage)), &Needs::default(), &SystemClock).await;
    let wrongs = wrongs(&findings);
    assert_eq!(wrongs.len(), 2, "{wrongs:?}");
    assert!(
        wrongs[0].0 == "rekognition" && wrongs[0].2.contains("LabelImages of docs/aws-permissions.md"),
        "{wrongs:?}"
    );
    assert!(wrongs[1].0 == "ivs" && wrongs[1].2.contains("ListLiveStreams"), "{wrongs:?}");
}

#[actix_rt::test]
async fn no_way_to_a_service_is_told_from_a_service_that_refuses() {
    let stage = Stage::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoints = Endpoints { ivs: Some(format!("http://{closed}")), ..patient(&stage) };
    let findings = examine(&aws(endpoints), &Needs::default(), &SystemClock).await;
    only(&findings, "ivs", "unavailable", "no way to it from here");
}

#[actix_rt::test]
async fn a_clock_that_is_wrong_is_found_by_the_answer() {
    let stage = Stage::new();
    let aws = aws(patient(&stage));
    let now = SystemClock.now();
    for (clock, said) in [(now.minus_ms(120_000), "behind"), (now.plus_ms(120_000), "ahead")] {
        let findings = examine(&aws, &Needs::default(), &ManualClock::at(clock)).await;
        only(&findings, "clock", said, "NTP");
    }
}

/// Answers once as STS does to a key it does not know, at a time long past.
fn refusing_sts() -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut question = [0; 8192];
        let _ = connection.read(&mut question).unwrap();
        let body = "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code>\
            <Message>The security token is invalid.</Message></Error></ErrorResponse>";
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        let head = format!("HTTP/1.1 403 Forbidden\r\ncontent-length: {}\r\ndate: {date}\r\n\r\n", body.len());
        connection.write_all((head + body).as_bytes()).unwrap();
    });
    format!("http://{address}")
}

/// A refusal says what time it is too: what is refused may be refused because of the clock.
#[actix_rt::test]
async fn credentials_that_are_refused_are_said_once_with_the_clock() {
    let stage = Stage::new();
    let endpoints = Endpoints { sts: Some(refusing_sts()), ..patient(&stage) };
    let findings = examine(&aws(endpoints), &Needs::default(), &SystemClock).await;
    let wrongs = wrongs(&findings);
    assert_eq!(wrongs.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), ["credentials", "clock"], "{findings:#?}");
    assert!(wrongs[0].1.contains("InvalidClientTokenId") && wrongs[1].1.contains("ahead"), "{wrongs:?}");
    assert!(stage.calls().await.is_empty(), "nobody is asked with keys that are refused");
}

/// The program itself, with a configuration as `serve` reads it; what it says, and whether all is well.
async fn consulted(config: &str, flags: &[&str]) -> (String, bool) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("streamwarden.toml");
    std::fs::write(&file, config).unwrap();
    let mut doctor = tokio::process::Command::new(env!("CARGO_BIN_EXE_streamwarden"));
    doctor.args(["doctor", "--config"]).arg(&file).args(flags);
    for (name, value) in [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")] {
        doctor.env(name, value);
    }
    doctor.env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "127.0.0.1,localhost");
    let output = doctor.output().await.unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

#[actix_rt::test]
async fn what_the_configuration_names_is_looked_at_by_its_endpoints() {
    let stage = Stage::new();
    let needs = whole("doctor-config").await;
    let (standin, here) = (&stage.endpoint, emulator());
    let consumer = needs.consumer.as_ref().unwrap();
    let topic = needs.topic.as_ref().unwrap();
    let config = format!(
        "[auth]\nways = [\"open\"]\n[provider]\njudge = \"rekognition\"\n[control]\nplatform = \"ivs\"\n\
         [aws]\nregion = {REGION:?}\n[aws.endpoints]\nkinesis = {here:?}\ns3 = {here:?}\neventbridge = {here:?}\n\
         sns = {here:?}\nsts = {here:?}\nrekognition = {standin:?}\nivs = {standin:?}\nivs_chat = {standin:?}\n\
         [kinesis]\nstream = \"doctor-config\"\nconsumer_arn = {consumer:?}\n\
         [evidence]\nbucket = \"doctor-config\"\n[http.store_frames]\nbucket = \"doctor-config\"\n[outbox.bus]\nname = \"doctor-config\"\n[outbox.notices]\ntopic = {topic:?}\n\
         [outbox.chat.rooms]\n\"arn:aws:ivs:{REGION}:{ACCOUNT}:channel/a\" = {:?}\n",
        room("abcdABCDefgh"),
    );
    let (said, well) = consulted(&config, &["--bucket", "doctor-config"]).await;
    assert!(well, "{said}");
    let all = "config credentials clock stream consumer bus bucket evidence frames topic rooms rekognition ivs";
    for what in all.split(' ') {
        assert!(said.contains(&format!("well      {what:<12} ")), "{what}: {said}");
    }

    // What is stated beside it goes first, and what the configuration does without is not asked.
    let local = config.replace("judge = \"rekognition\"", "judge = \"local\"");
    let (said, well) = consulted(&local, &["--bus", "doctor-none"]).await;
    assert!(!well && said.contains("WRONG     bus"), "{said}");
    assert!(said.contains("unasked   rekognition  the configuration does without it"), "{said}");
}

#[actix_rt::test]
async fn a_configuration_that_cannot_be_served_is_said_with_its_line() {
    let (said, well) = consulted("[kinesis]\nstreem = \"x\"\n", &[]).await;
    assert!(!well && said.starts_with("WRONG     config"), "{said}");
    assert!(said.contains("streem") && said.contains("fix: mend"), "{said}");
}

/// An issuer that answers each path with what is given for it, otherwise with 404.
fn issuer(answers: impl FnOnce(&str) -> Vec<(&'static str, String)>) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let answers = answers(&issuer);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut question = [0; 8192];
            let length = connection.read(&mut question).unwrap();
            let asked = String::from_utf8_lossy(&question[..length]).into_owned();
            let found = answers.iter().find(|(path, _)| asked.starts_with(&format!("GET {path} ")));
            let (status, body) = found.map_or(("404 Not Found", "{}"), |(_, body)| ("200 OK", body.as_str()));
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            connection.write_all((head + body).as_bytes()).unwrap();
        }
    });
    issuer
}

#[actix_rt::test]
async fn the_issuer_is_asked_for_its_keys_and_where_people_sign_in() {
    const DOCUMENT: &str = "/.well-known/openid-configuration";
    let key = r#"{"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": "sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw", "e": "AQAB"}]}"#;
    let document = |issuer: &str| {
        format!(
            r#"{{"issuer": "{issuer}", "jwks_uri": "{issuer}/keys", "authorization_endpoint": "{issuer}/authorize",
                "token_endpoint": "{issuer}/token"}}"#
        )
    };
    let config = |issuer: &str| {
        format!(
            "[auth]\nways = [\"oidc\"]\n[auth.oidc]\nissuer = {issuer:?}\nclient_ids = [\"pages\"]\n\
             [http.pages]\npublic_url = \"https://moderation.example.com\"\n\
             [auth.oidc.sign_in]\nclient_id = \"pages\"\n\
             [[auth.oidc.grants]]\ngroup = \"desk\"\nrole = \"moderator\"\nchannels = [\"*\"]\n[provider]\njudge = \"local\"\n"
        )
    };
    let well = issuer(|issuer| vec![(DOCUMENT, document(issuer)), ("/keys", key.to_owned())]);
    let (said, _) = consulted(&config(&well), &[]).await;
    assert!(said.contains("well      sign-in      ") && said.contains("1 of its keys can be used"), "{said}");

    let other = issuer(|issuer| vec![(DOCUMENT, document(&format!("{issuer}/other")))]);
    let (said, fine) = consulted(&config(&other), &[]).await;
    assert!(!fine && said.contains("WRONG     sign-in") && said.contains("which is another issuer"), "{said}");
    assert!(said.contains("fix: set auth.oidc.issuer"), "{said}");

    let keyless = issuer(|issuer| vec![(DOCUMENT, document(issuer)), ("/keys", r#"{"keys": []}"#.to_owned())]);
    let (said, fine) = consulted(&config(&keyless), &[]).await;
    assert!(!fine && said.contains("holds no key that signs"), "{said}");
}
