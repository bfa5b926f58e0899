//! Policies: read with their history, checked, tried on the past, run in shadow, published, retired. They belong to no channel, so
//! each of these needs its permission everywhere.

mod compare;
mod publish;
mod read;
mod shadow;
mod text;
mod trial;

use crate::http::auth::Permission;
use crate::http::list::List;
use crate::http::route::Route;
use crate::laboratory::shadow::Compared;
use crate::model::PolicyId;
use crate::policy::outline::Outline;

use compare::CompareShadow;
use publish::{Published, Retire, Retired};
use read::{ListPolicies, OnePolicy, OneVersion, PolicyItem};
use shadow::Shadowed;
pub(super) use text::mistaken;
use text::{CheckPolicies, PublishPolicies, PublishSaid, ShadowPolicies, ShadowSaid, TryPolicies, TrySaid, YAML};
use trial::{Checked, DryRun};

pub(in crate::http) fn routes() -> Vec<Route> {
    const POLICY: &str = "The policy's id.";
    vec![
        Route::get("/v1/policies", "list_policies", Permission::Read)
            .says("Every policy ever published", "By id, with the version in force and the one in shadow, if there are.")
            .everywhere()
            .query::<ListPolicies>()
            .answers::<List<PolicyItem>>(200, "A page of policies.")
            .to(read::list),
        Route::get("/v1/policies/{policy}", "get_policy", Permission::Read)
            .says("One policy and its versions", "What is in force, with every default written out; versions newest first.")
            .everywhere()
            .path::<PolicyId>("policy", POLICY)
            .answers::<OnePolicy>(200, "The policy.")
            .to(read::get),
        Route::get("/v1/policies/{policy}/versions/{version}", "get_policy_version", Permission::Read)
            .says("One version, as it was published", "Its text, who published it, when and why.")
            .everywhere()
            .path::<PolicyId>("policy", POLICY)
            .path::<u32>("version", "The version, from 1.")
            .answers::<OneVersion>(200, "The version. Its text and reason are none if they were erased.")
            .to(read::version),
        Route::post("/v1/policies/check", "check_policies", Permission::Read)
            .says(
                "Say what is wrong with policies",
                "Reads a text as publishing would, and changes nothing. Every mistake has its line and column, what was \
                 expected, and what to do; so have warnings of what is lawful and can never work.",
            )
            .everywhere()
            .takes::<CheckPolicies>("The text.")
            .takes_bytes(YAML, "The text by itself.")
            .answers::<Checked>(200, "What was found, possibly nothing.")
            .to(trial::check_policies),
        Route::post("/v1/policies/dry-run", "try_policies", Permission::WritePolicy)
            .says(
                "Try policies on the past",
                "Judges again, under the policies of a text, what providers answered in the last hours on the channels \
                 that these policies would watch, and compares it with what was recorded and with what moderators answered. \
                 Nothing is published.\n\nCadence and similarity are decided anew as far as the recording says what they \
                 need; what it does not say is counted as unknowable. A broadcast that would have been stopped goes on. \
                 For all of the past, start a backtest.",
            )
            .everywhere()
            .takes::<TryPolicies>("The text, and how far back.")
            .takes_bytes(YAML, "The text by itself; how far back stands in the query.")
            .query::<TrySaid>()
            .answers::<DryRun>(200, "What would have been.")
            .refuses(422, "The text has mistakes; `mistakes` names them.")
            .to(trial::try_policies),
        Route::post("/v1/policies", "publish_policies", Permission::WritePolicy)
            .says(
                "Publish policies",
                "Puts every policy of a text in force, durably, and says what differs from the version before. Frames \
                 that are under way end under the version they began with. A policy whose text is the one in force \
                 stays as it is.",
            )
            .everywhere()
            .takes::<PublishPolicies>("The text, why, and the version that was seen.")
            .takes_bytes(YAML, "The text by itself; the rest stands in the query.")
            .query::<PublishSaid>()
            .answers::<Published>(200, "What is in force now.")
            .refuses(409, "Another version is in force than was seen.")
            .refuses(422, "The text has mistakes; `mistakes` names them.")
            .to(publish::publish),
        Route::post("/v1/policies/shadow", "shadow_policies", Permission::WritePolicy)
            .says(
                "Run policies in shadow",
                "Every policy of a text judges from now on beside the live one, what that one looks at, and what it says \
                 is recorded: no warning, no stop, no other cadence follows from it. A channel has at most one policy \
                 in shadow, chosen among those in shadow as the live one is among the live. Versions are counted \
                 together with those in force: published later, the same text is another version.",
            )
            .everywhere()
            .takes::<ShadowPolicies>("The text, and why.")
            .takes_bytes(YAML, "The text by itself; why stands in the query.")
            .query::<ShadowSaid>()
            .answers::<Shadowed>(200, "What runs in shadow now.")
            .refuses(409, "As many policies are in shadow as may be.")
            .refuses(422, "The text has mistakes; `mistakes` names them.")
            .to(shadow::start),
        Route::get("/v1/policies/{policy}/shadow", "compare_shadow", Permission::WritePolicy)
            .says(
                "Hold a shadow against what was decided",
                "Frames judged by both, how far the verdicts agree, which rules were met under which, what people's answers \
                 say of the warnings of both, and the first frames with another verdict. Reads up to a million events \
                 from where the version was put in shadow.",
            )
            .everywhere()
            .path::<PolicyId>("policy", POLICY)
            .query::<CompareShadow>()
            .answers::<Compared>(200, "The comparison.")
            .answers_as(200, "text/html", "The comparison as a page that needs nothing else.")
            .to(compare::comparison),
        Route::post("/v1/policies/{policy}/unshadow", "unshadow_policy", Permission::WritePolicy)
            .says("End a policy's shadow", "What it said stays recorded.")
            .everywhere()
            .path::<PolicyId>("policy", POLICY)
            .takes::<Retire>("Why.")
            .answers::<Retired>(200, "It is no longer in shadow.")
            .to(shadow::end),
        Route::post("/v1/policies/{policy}/retire", "retire_policy", Permission::WritePolicy)
            .says("Take a policy out of force", "Channels that no other policy watches are not watched any more, and say so.")
            .everywhere()
            .path::<PolicyId>("policy", POLICY)
            .takes::<Retire>("Why.")
            .answers::<Retired>(200, "It is out of force.")
            .to(publish::retire),
    ]
}

/// The outline of the policy as it is in force, if it is.
fn outline_of(desk: &crate::actors::PolicyDesk, id: &PolicyId) -> Option<Outline> {
    desk.in_force(id).map(|policy| Outline::of(policy))
}
