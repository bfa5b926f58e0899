//! The container: what runs in it, as whom, and what it may touch. No image is built here.

use serde_json::Value;

use crate::templates::{STACK, read};
use crate::{none_of, text};

/// The instructions of a Dockerfile: the word and the rest, lines that go on put together, comments left out.
fn instructions(dockerfile: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = dockerfile.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let whole = lines.join("\n").replace("\\\n", " ");
    let instruction = |line: &str| line.trim().split_once(' ').map(|(word, rest)| (word.to_owned(), rest.to_owned()));
    whole.lines().filter_map(instruction).collect()
}

/// What is wrong with a Dockerfile, as far as it can be read from it.
fn faults(dockerfile: &str) -> Vec<String> {
    let instructions = instructions(dockerfile);
    let last_stage = instructions.iter().rposition(|(word, _)| word == "FROM").expect("a Dockerfile has a stage");
    let stage = &instructions[last_stage..];
    let of = |word: &'static str| stage.iter().filter(move |(known, _)| known == word).map(|(_, rest)| rest.as_str());
    let stages: Vec<&str> =
        instructions.iter().filter(|(word, _)| word == "FROM").map(|(_, rest)| rest.as_str()).collect();
    let mut faults = Vec::new();
    let mut holds = |so: bool, what: &str| {
        if !so {
            faults.push(what.to_owned());
        }
    };
    let builds = ["${PAGES_BUILT_ON} AS pages", "${BUILT_ON} AS build", "${RUNS_ON}"];
    holds(stages == builds, "two stages build, pages and program, and another runs: no compiler is shipped");
    let copied =
        instructions.iter().any(|(word, rest)| word == "COPY" && rest == "--from=pages /src/web/dist web/dist");
    holds(copied, "the pages are in the program");
    holds(instructions.iter().any(|(word, rest)| word == "RUN" && rest.contains("--locked")), "built from Cargo.lock");
    let user = of("USER").next_back().unwrap_or("0");
    holds(user.split(':').all(|id| id.parse().is_ok_and(|id: u32| id > 0)), "the user is a number, and not root");
    holds(of("RUN").all(|run| run.starts_with("[\"install\", \"-d\"")), "nothing is installed into what runs");
    holds(of("ADD").next().is_none(), "nothing is fetched or unpacked on the way in");
    holds(of("ENV").chain(of("ARG")).next().is_none(), "no setting and no secret is baked in");
    holds(of("VOLUME").eq(["/var/lib/streamwarden"]), "one place is written to");
    let health: Vec<&str> = of("HEALTHCHECK").collect();
    let asks = "CMD [\"/usr/local/bin/streamwarden\", \"alive\"]";
    holds(health.len() == 1 && health[0].ends_with(asks), "the container is asked whether it lives");
    let entry: Vec<&str> = of("ENTRYPOINT").collect();
    holds(entry == ["[\"/usr/local/bin/streamwarden\"]"], "the program is started by itself: signals reach it");
    for (word, rest) in &instructions {
        let latest = word == "ARG" && rest.contains('=') && (rest.ends_with(":latest") || !rest.contains(':'));
        holds(!latest, &format!("{rest}: names no version"));
    }
    faults
}

#[test]
fn the_container_runs_one_program_without_privileges() {
    none_of(faults(&text("ops/Dockerfile")));
}

#[test]
fn planted_faults_of_the_container_are_found() {
    let dockerfile = text("ops/Dockerfile");
    for (sound, fault) in [
        ("USER 10001:10001", "USER 0:0"),
        ("USER 10001:10001", "USER streamwarden"),
        ("USER 10001:10001", "RUN apt-get install curl\nUSER 10001:10001"),
        ("debian:bookworm-slim", "debian:latest"),
        (" --locked", ""),
        ("EXPOSE 8642", "ENV TOKEN=secret"),
        ("ENTRYPOINT [\"/usr/local/bin/streamwarden\"]", "ENTRYPOINT streamwarden"),
        ("\"alive\"]", "\"alive\"] || true"),
        ("FROM ${RUNS_ON}", "WORKDIR /"),
        ("COPY --from=pages /src/web/dist web/dist", "RUN true"),
    ] {
        assert!(dockerfile.contains(sound), "{sound} is no longer in the Dockerfile");
        assert!(!faults(&dockerfile.replacen(sound, fault, 1)).is_empty(), "{fault} was not found");
    }
}

#[test]
fn image_stack_and_compose_agree() {
    let dockerfile = text("ops/Dockerfile");
    let stack = read(&text(STACK));
    let task = &stack["Resources"]["Task"]["Properties"]["ContainerDefinitions"][0];
    let compose: Value = serde_saphyr::from_str(&text("ops/compose.yaml")).unwrap();
    let service = &compose["services"]["streamwarden"];

    let user = instructions(&dockerfile).into_iter().find(|(word, _)| word == "USER").unwrap().1;
    assert_eq!(task["User"], user.as_str());
    let owner = &stack["Resources"]["JournalAccess"]["Properties"]["PosixUser"];
    assert_eq!(format!("{}:{}", owner["Uid"].as_str().unwrap(), owner["Gid"].as_str().unwrap()), user);
    assert_eq!(task["MountPoints"][0]["ContainerPath"], "/var/lib/streamwarden");
    assert_eq!(service["volumes"][0], "journal:/var/lib/streamwarden");
    assert_eq!(service["read_only"], true);
    assert_eq!(service["cap_drop"][0], "ALL");
    assert_eq!(service["security_opt"][0], "no-new-privileges:true");
    assert_eq!(service["stop_grace_period"], format!("{}s", task["StopTimeout"]).as_str());
}
