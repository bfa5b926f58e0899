//! The file and the types say the same; what is wrong is named with its line and what was expected.

use super::*;

const REFERENCE: &str = include_str!("../../ops/streamwarden.toml");

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("a.toml"), text, None)
}

/// Every key of a table, with its section.
fn keys(section: &str, table: &toml::Table, into: &mut Vec<(String, String)>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => {
                let name = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
                keys(&name, inner, into);
            }
            _ => into.push((section.to_owned(), key.clone())),
        }
    }
}

#[test]
fn the_reference_file_says_exactly_the_defaults() {
    assert_eq!(parse(REFERENCE).expect("the reference is sound"), Config::default());
    assert_eq!(parse("").expect("nothing is wrong with nothing"), Config::default());
}

#[test]
fn the_file_for_the_stack_on_aws_is_sound_and_connects_everything() {
    let config = parse(include_str!("../../ops/aws/streamwarden.toml")).expect("it is sound");
    assert_eq!((config.provider.judge, config.control.platform), (Judge::Rekognition, Control::Ivs));
    assert!(matches!(config.kinesis.settings(), Ok(Some(_))));
    assert!(config.outbox.bus.settings().is_some());
}

#[test]
fn what_is_wrong_with_a_stream_is_named_by_its_key() {
    for (text, names) in [
        ("[kinesis]\nstream = \"s\"\nstart = \"soon\"", "kinesis.start"),
        ("[kinesis]\nstream = \"s\"\nconsumer_arn = \"me\"", "kinesis.consumer_arn"),
        ("[kinesis]\nstream = \"s s\"", "kinesis.stream"),
        ("[kinesis]\nstream = \"s\"\noffers_max = 5000", "kinesis.offers_max"),
    ] {
        let error = parse(text).expect_err(text);
        let said =
            format!("{error}: {}", std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default());
        assert!(said.contains(names), "{said} does not name {names}");
    }
}

#[test]
fn what_is_wrong_with_providers_is_named_by_its_key() {
    let named = "[provider.hive]\nkey_env = \"HIVE_KEY\"\n";
    let based = |more: &str| {
        format!("[provider]\njudge = \"hive\"\n{named}by = \"url\"\nurl_base = \"https://d.example\"\n{more}")
    };
    let signed = |key: &str| based(&format!("url_bucket = \"b\"\n{key}"));
    for (text, names) in [
        ("[provider]\njudge = \"hive\"".to_owned(), "set provider.hive.key_file or provider.hive.key_env"),
        ("[provider]\nalso = [\"hive\"]".to_owned(), "set provider.hive.key_file or provider.hive.key_env"),
        ("[provider]\nalso = [\"local\"]".to_owned(), "provider.also"),
        ("[provider]\nalso = [\"rekognition\", \"rekognition\"]".to_owned(), "provider.also"),
        (format!("[provider]\njudge = \"hive\"\n{named}key_file = \"k\""), "are both set"),
        (format!("[provider]\njudge = \"hive\"\n{named}endpoint = \"http://hive.example/\""), "provider.hive.endpoint"),
        ("[provider]\njudge = \"hive-speech\"".to_owned(), "provider.judge is hive-speech, which judges sound"),
        (
            "[provider]\nalso = [\"hive-speech\"]".to_owned(),
            "set provider.hive_speech.key_file or provider.hive_speech",
        ),
        (
            "[provider]\nalso = [\"hive-speech\"]\n[provider.hive_speech]\nkey_env = \"K\"\nendpoint = \"x\""
                .to_owned(),
            "provider.hive_speech.endpoint",
        ),
        (format!("[provider]\njudge = \"hive\"\n{named}url_base = \"ftp://x\""), "provider.hive.url_base"),
        (based(""), "provider.hive.url_base is set, and provider.hive.url_bucket is not"),
        (signed("").replace("by = \"url\"\n", ""), "since provider.hive.by is `bytes`"),
        (
            format!("[provider]\njudge = \"hive\"\n{named}url_bucket = \"b\""),
            "provider.hive.url_bucket is set, and provider.hive.url_base is not",
        ),
        (
            signed("url_key_pair_id = \"K1\"\nurl_key_env = \"K\"").replace("d.example", "d.example/*"),
            "provider.hive.url_base: it has an asterisk",
        ),
        (signed("url_key_file = \"k\""), "and provider.hive.url_key_pair_id is not set"),
        (signed("url_key_pair_id = \"K1\""), "set provider.hive.url_key_file or provider.hive.url_key_env"),
        (signed("url_key_pair_id = \"K1\"\nurl_key_file = \"k\"\nurl_key_env = \"K\""), "are both set"),
        (signed("url_key_pair_id = \"K 1\"\nurl_key_env = \"K\""), "provider.hive.url_key_pair_id is `K 1`"),
        (
            signed("url_key_pair_id = \"K1\"\nurl_key_env = \"K\"").replace("d.example", "d.example?Expires=5"),
            "provider.hive.url_base: its query has `Expires`",
        ),
        (
            "[provider]\nalso = [\"hive-dashboard\"]\n[provider.hive_dashboard]\nkey_env = \"K\"\nurl_key_env = \"U\"\n\
             url_key_pair_id = \"K1\""
                .to_owned(),
            "provider.hive_dashboard.url_key_pair_id is set, and provider.hive_dashboard.url_base is not",
        ),
    ] {
        let error = parse(&text).expect_err(&text).to_string();
        assert!(error.contains(names), "{error} does not name {names}");
    }
    let sound = parse(&signed("url_key_pair_id = \"K2JCJMDEHXQW5F\"\nurl_key_env = \"K\"")).expect("it is sound");
    assert_eq!(sound.provider.hive.url_key_pair_id, "K2JCJMDEHXQW5F");
    let sound = parse(&format!("[provider]\njudge = \"hive\"\nalso = [\"local\"]\n{named}")).expect("it is sound");
    assert!(sound.provider.has(Judge::Hive) && sound.provider.has(Judge::Local));
    assert!(!sound.provider.has(Judge::Rekognition));
}

#[test]
fn words_that_could_never_go_along_with_an_event_are_not_promised() {
    let bus = |more: &str| format!("[outbox.bus]\ntranscripts = true\n{more}");
    let sound = "name = \"b\"\ntypes = [\"FrameAssessed\"]\n";
    for (text, names) in [
        (bus(""), "and has no effect: outbox.bus.name names no bus"),
        (bus("name = \"b\""), "and has no effect: outbox.bus.types has no FrameAssessed"),
        (
            bus(&format!("{sound}[sound]\ntranscripts = \"none\"")),
            "and sound.transcripts is `none`: no new words are kept that could go along, and replays would put those that \
             were kept before on the bus",
        ),
    ] {
        let error = parse(&text).expect_err(&text).to_string();
        assert!(error.contains("outbox.bus.transcripts is true") && error.contains(names), "{error}");
    }
    assert!(parse(&bus(sound)).expect("it is sound").outbox.bus.transcripts);
    assert!(!Config::default().outbox.bus.transcripts, "nothing that was said leaves unless somebody asks for it");
}

#[test]
fn what_is_wrong_with_an_external_actors_actions_is_named_by_its_key() {
    let action = |name: &str| format!("[[hive_dashboard.actions]]\nname = \"{name}\"\nthen = \"stop\"\n");
    let secret = "[hive_dashboard]\nsecret_env = \"SECRET\"\n";
    for (text, names) in [
        (action("ban"), "set hive_dashboard.secret_file or hive_dashboard.secret_env"),
        (format!("{secret}secret_file = \"f\""), "are both set"),
        (format!("{secret}{}{}", action("ban"), action("ban")), "has ban twice"),
        (format!("{secret}{}", action("ban/it")), "ban/it may hold letters"),
        (format!("{secret}user_parameter = \"post_id\""), "are the same"),
        (format!("{secret}post_parameter = \"\""), "hive_dashboard.post_parameter"),
    ] {
        let error = parse(&text).expect_err(&text).to_string();
        assert!(error.contains(names), "{error} does not name {names}");
    }
    let sound = parse(&format!("{secret}{}", action("ban-stream"))).expect("it is sound").hive_dashboard;
    assert!(sound.calls_back());
    let approval = sound.actions[0].approval;
    assert_eq!(approval, crate::model::Approval::Person, "nothing is stopped by itself unless it is said");
}

#[test]
fn every_key_of_the_types_stands_in_the_reference_file_with_a_comment_above_it() {
    let all = toml::Table::try_from(Config::default()).expect("the configuration is a table");
    let mut expected = Vec::new();
    keys("", &all, &mut expected);
    assert!(expected.len() > 30, "{expected:?}");
    let written: toml::Table = toml::from_str(REFERENCE).expect("the reference is TOML");
    let mut found = Vec::new();
    keys("", &written, &mut found);
    let mut above = "";
    for line in REFERENCE.lines() {
        let is_key = !line.starts_with(['#', '[']) && line.contains(" = ");
        assert!(!is_key || above.starts_with('#'), "no comment above {line:?}");
        above = line;
    }
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn what_is_wrong_is_named_with_its_key_its_line_and_what_was_expected() {
    for (text, names) in [
        ("[listen]\nworkers = 65", ["a.toml:2: listen.workers: ", "`65`", "a whole number from 1 to 64"]),
        ("[listen]\n\nworkers = \"2\"", ["a.toml:3: listen.workers: ", "string \"2\"", "a whole number from 1 to 64"]),
        ("[wardens]\nplanes_max = -1", ["a.toml:2: wardens.planes_max: ", "`-1`", "from 0 to 1000000"]),
        ("[listen]\nport = 1", ["a.toml:2: listen.port: ", "unknown field `port`", "`address`"]),
        ("[listen]\naddress = \"here\"", ["a.toml:2: listen.address: ", "invalid", "socket address"]),
        ("# a\n[lisen]\n", ["a.toml:2: lisen: ", "unknown field `lisen`", "`listen`"]),
        ("[control]\nplatform = \"tv\"", ["a.toml:2: control.platform: ", "unknown variant `tv`", "`rehearsal`"]),
        ("[logs]\nformat = \"xml\"", ["a.toml:2: logs.format: ", "unknown variant `xml`", "`json`"]),
        ("[auth]\nways = [\"none\"]", ["a.toml:2: auth.ways: ", "unknown variant `none`", "`tokens`"]),
        ("[auth.oidc]\nleeway = 1", ["a.toml:2: auth.oidc.leeway: ", "unknown field `leeway`", "`leeway_s`"]),
        ("[logs]\nfilter = \"warn", ["a.toml:2: logs.filter: ", "", ""]),
        ("[http]\nbody_timeout_s = 0", ["a.toml", "http.body_timeout_s is 0", "1 to 600"]),
        ("[http.rates]\nread = { per_s = 5, burst = 2000000 }", ["a.toml", "http.rates.read.burst", "2000000"]),
        ("[wardens]\nframe_deadline_s = 30", ["a.toml: ", "listen.shutdown_timeout_s is 30", "which is 30"]),
        ("[auth.oidc.sign_in]\nclient_id = \"pages\"", ["a.toml: ", "http.pages.public_url is empty", "client_id"]),
        ("[http.pages]\npublic_url = \"https://a/b\"", ["a.toml", "http.pages.public_url", "`https://a/b`"]),
        (
            "[enforcement]\nper_minute = 1",
            ["a.toml: ", "enforcement.per_rule_per_minute is 3", "per_minute, which is 1"],
        ),
    ] {
        let error = parse(text).expect_err(text);
        let mut said = error.to_string();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            said.push_str(&format!(": {source}"));
            cause = source;
        }
        for name in names {
            assert!(said.contains(name), "{said:?} does not name {name:?}");
        }
    }
}

#[test]
fn the_environment_names_where_the_tokens_lie_and_nothing_else() {
    let config = Config::parse(Path::new("a.toml"), "[auth]\ntokens_file = \"a\"", Some("b".into())).expect("sound");
    assert_eq!(config.auth.tokens_file, Path::new("b"));
}

#[test]
fn the_defaults_are_those_of_the_rooms_they_are_for() {
    let config = Config::default();
    let (ours, theirs) = (
        config.wardens.settings(&config.evidence, &config.sound, &config.provider),
        crate::actors::Settings::default(),
    );
    assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    assert_eq!(config.enforcement.budget(), crate::warden::enforcement::BudgetLimits::default());
    let clock = std::sync::Arc::new(crate::clock::SystemClock);
    let (ours, theirs) = (config.data.journal(clock.clone()), crate::journal::Options::new("x", clock));
    let figures = |options: &crate::journal::Options| {
        (options.roll_after_events, options.roll_after_bytes, options.reserve_bytes, options.cache_bytes)
    };
    assert_eq!(figures(&ours), figures(&theirs));
    assert!(ours.archive.is_none());
    assert_eq!(config.listen.settings(), crate::http::ServerSettings::default());
}
