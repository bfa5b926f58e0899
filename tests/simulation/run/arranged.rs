//! Several providers in the simulated world: the one it has always had, one that is asked before it and often fails, one that
//! screens for it and misses much, and one that must agree with a stop and does so, or does not, or is silent, each as the
//! frame's digest has it.

use std::sync::Arc;

use streamwarden::events::{Arranged, FailedStage};
use streamwarden::model::{FrameId, Label, Medium, ProviderRef};
use streamwarden::policy::arrangement::{Asked, Gist, Step, Who, role_of};
use streamwarden::policy::{Policy, Rule, read_hits};
use streamwarden::warden::{Answered, Beside, InVain, Opinion, Said};

use crate::defect::Defect;

/// Follows the plan of a policy that names providers. `scripted` is what the world's own provider says, if it answers.
pub(super) fn ask(
    policy: &Arc<Policy>,
    frame: FrameId,
    scripted: Option<&[Label]>,
    defect: Option<Defect>,
) -> Result<(Answered, Beside), Option<Box<InVain>>> {
    let may_stop = policy.rules.iter().any(Rule::stops_by_itself);
    let mut heard: Vec<(String, Option<Vec<Label>>)> = Vec::new();
    loop {
        let asked: Vec<Asked<'_>> = heard.iter().map(|(name, said)| gist(policy, name, said.as_deref())).collect();
        match policy.arrangement.next(frame, may_stop, &asked) {
            Step::Ask { who, .. } => {
                let name = match who {
                    Who::Configured => "scripted",
                    Who::Named(name) => name.as_str(),
                };
                let mut said = says(name, frame, scripted);
                if defect == Some(Defect::SilenceAgrees) && name == SECOND {
                    said = scripted.map(<[Label]>::to_vec); // the planted bug
                }
                heard.push((name.to_owned(), said));
                if let (Some(Defect::ScreenDecides), [(screen, Some(_))]) = (defect, heard.as_slice())
                    && screen == SCREEN
                {
                    let (name, labels) = heard.remove(0); // the planted bug
                    let beside = Beside { arranged: Some(Arranged::NothingToAsk), opinions: Vec::new() };
                    return Ok((answered(&name, labels.expect("it answered")), beside));
                }
            }
            Step::Decided { by, arranged } => {
                let (name, labels) = heard.remove(by);
                let answer = answered(&name, labels.expect("whoever decides has answered"));
                let each = heard.into_iter().enumerate();
                let opinions = each.map(|(at, (name, said))| opinion(&name, said, at >= by)).collect();
                return Ok((answer, Beside { arranged, opinions }));
            }
            Step::Unanswered => {
                let opinions = heard.into_iter().map(|(name, said)| opinion(&name, said, false)).collect();
                let named = policy.arrangement.names_somebody();
                return Err(named.then(|| Box::new(InVain { policy: policy.clone(), opinions })));
            }
        }
    }
}

/// Who screens in the third version of the policy.
pub const SCREEN: &str = "screen";
/// Who must agree with a stop.
pub const SECOND: &str = "second";

/// What a provider says of a picture; none if it does not answer. `scripted` is what the world's own says.
pub fn says(name: &str, frame: FrameId, scripted: Option<&[Label]>) -> Option<Vec<Label>> {
    let drawn = frame.as_bytes()[6];
    match name {
        "first" if drawn < 150 => None,
        SECOND if drawn < 60 => None,
        SECOND if drawn < 120 => Some(Vec::new()),
        SCREEN if drawn < 30 => None,
        SCREEN if drawn < 120 => scripted.map(|_| Vec::new()),
        _ => scripted.map(<[Label]>::to_vec),
    }
}

/// What is said of a segment, by the one who is asked about it.
pub(super) fn heard(medium: Medium, labels: Vec<Label>) -> Answered {
    match medium {
        Medium::Sound => {
            let provider = ProviderRef { name: "speech".into(), model: "1".into(), taxonomy: "hive-speech/1".into() };
            Answered { provider, ..answered("speech", labels) }
        }
        Medium::Clip | Medium::Picture => answered("scripted", labels),
    }
}

fn gist<'a>(policy: &Policy, name: &'a str, said: Option<&[Label]>) -> Asked<'a> {
    let stops = |labels: &[Label]| {
        read_hits(policy, "scripted/1", labels).is_some_and(|hits| hits.iter().any(|hit| hit.rule.stops_by_itself()))
    };
    Asked { name, said: said.map(|labels| Gist::of(labels, stops(labels))) }
}

fn answered(name: &str, labels: Vec<Label>) -> Answered {
    let provider = ProviderRef { name: name.into(), model: "1".into(), taxonomy: "scripted/1".into() };
    Answered {
        moments: Vec::new(),
        spoken: None,
        provider,
        labels,
        kept: None,
        unmapped: 0,
        content_types: vec![],
        floor: None,
    }
}

fn opinion(name: &str, said: Option<Vec<Label>>, after: bool) -> Opinion {
    let role = role_of(said.is_some(), after);
    let said = match said {
        Some(labels) => Said::Answer(answered(name, labels)),
        None => Said::Nothing {
            provider: answered(name, Vec::new()).provider,
            stage: FailedStage::Provider,
            reason: "it did not answer".to_owned(),
            attempts: 3,
        },
    };
    Opinion { role, said, took_ms: 2 }
}
