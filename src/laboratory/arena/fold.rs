//! The fold: recorded events in order in, figures out. Knows no journal, and how large a journal is changes nothing of
//! the memory it takes.

use std::collections::{HashMap, VecDeque};

use crate::events::{
    Arranged, Envelope, Event, EventType, FailedStage, FrameAssessed, FrameFailed, OpinionAnswer, OpinionGiven,
    OpinionRole, OpinionSaid, WarningRaised,
};
use crate::model::{ChannelId, ContentRef, FrameId, Label, ProviderRef, RuleId};

use super::answers::{Answer, Answers};
use super::categories::Named;
use super::changes::{Changes, Kind, Place, Reason, Said};
use super::models::{AskedTo, BANDS, LabelCounts, ModelNumber, Models, begin_of};
use super::pairs::{self, Judged, Pairs};
use super::reading::Question;
use super::report::{Band, BothAsked, FailedFrames, LabelFigures, LeftOut, ModelFigures, Rate, Report};
use super::screens::{Screened, Screens};
use super::statistics::Z_95;
use super::thresholds::threshold;

/// Frames that an answer to be compared may follow: it comes as soon as the other provider gives it. About 500 bytes each.
pub const RECENT_MAX: usize = 10_000;
/// Opinions that stand before one outcome; an arrangement names a handful of providers.
const OPINIONS_MAX: usize = 16;

/// Gives an answer that is too long for its event, if it is at hand.
pub type Whole<'a> = &'a dyn Fn(&ContentRef) -> Option<Vec<Label>>;

/// Providers held against each other, under way.
#[derive(Debug, Default)]
pub struct Fold {
    models: Models,
    answers: Answers,
    pairs: Pairs,
    screens: Screens,
    changes: Changes,
    frames: u64,
    failed: FailedFrames,
    cut_answers: u64,
    compared_late: u64,
    /// Opinions whose outcome is still to come: it stands in the same append, which nothing else stands between.
    opinions: Vec<Opinion>,
    /// The last frame judged, and by whom: a warning that it raises stands in the same append.
    newest: Option<(FrameId, ModelNumber)>,
    recent: Recent,
}

/// What somebody said of a frame whose outcome is still to come.
#[derive(Debug)]
struct Opinion {
    frame: FrameId,
    role: OpinionRole,
    provider: ProviderRef,
    /// The rules hit and the labels; none where there was no answer.
    answer: Option<(Vec<RuleId>, Vec<Label>)>,
}

impl Fold {
    /// Whether an event has a part in it: known before its payload is decoded.
    pub fn needs(envelope: &Envelope) -> bool {
        const NEEDED: [EventType; 8] = [
            EventType::OpinionGiven,
            EventType::FrameAssessed,
            EventType::FrameFailed,
            EventType::WarningRaised,
            EventType::WarningUpheld,
            EventType::WarningDismissed,
            EventType::WarningAnswerWithdrawn,
            EventType::WarningOverturned,
        ];
        NEEDED.iter().any(|needed| needed.name() == envelope.event_type)
    }

    /// Takes one recorded event of a channel in, in order.
    pub fn see(&mut self, envelope: &Envelope, event: &Event, whole: Whole) {
        let Some(channel) = envelope.scope.channel() else { return };
        match event {
            Event::OpinionGiven(opinion) => self.opinion(channel, envelope, opinion, whole),
            Event::FrameAssessed(assessed) => self.assessed(channel, envelope, assessed, whole),
            Event::FrameFailed(failed) => self.failed(failed),
            Event::WarningRaised(raised) if raised.is_of_rule() => self.raised(raised),
            Event::WarningUpheld(it) => self.answers.answered(&mut self.models, it.warning, Answer::Upheld),
            Event::WarningDismissed(it) => self.answers.answered(&mut self.models, it.warning, Answer::Dismissed),
            Event::WarningAnswerWithdrawn(it) => self.answers.answered(&mut self.models, it.warning, Answer::None),
            Event::WarningOverturned(it) => self.answers.answered(&mut self.models, it.warning, Answer::Dismissed),
            _ => {} // nothing else is said by a provider, or of what one said
        }
    }

    fn opinion(&mut self, channel: &ChannelId, envelope: &Envelope, opinion: &OpinionGiven, whole: Whole) {
        let number = self.models.number(&opinion.provider);
        if number.is_none() {
            self.models.left_out_answers += 1;
        }
        let mut answer = None;
        match (&opinion.said, number) {
            (OpinionSaid::Nothing { .. }, None) => {}
            (OpinionSaid::Nothing { .. }, Some(number)) => {
                self.models.gave_nothing(number, opinion.role, &opinion.said);
            }
            (OpinionSaid::Answer(said), number) => {
                let OpinionAnswer { labels, answer: kept, floor, hits, unmapped: _ } = said;
                let labels = self.whole_of(labels, kept.as_ref(), whole);
                if let Some(number) = number {
                    self.models.answered(number, AskedTo::Opine(opinion.role), opinion.took_ms);
                    let kind = Kind {
                        channel: channel.clone(),
                        policy: opinion.policy.clone(),
                        floor: *floor,
                        reason: match opinion.role {
                            OpinionRole::Screened | OpinionRole::FellOver => Reason::First,
                            OpinionRole::Seconded => Reason::Second,
                            OpinionRole::Compared => Reason::Compared,
                        },
                    };
                    self.said(number, envelope, kind, &labels);
                }
                answer = Some((hits.clone(), labels));
            }
        }
        match (opinion.role, answer) {
            (OpinionRole::Compared, None) => {} // counted with its calls
            (OpinionRole::Compared, Some((hits, labels))) => match self.recent.get(opinion.frame) {
                Some(judged) => {
                    let because = if judged.screened { BothAsked::ComparedBehindAScreen } else { BothAsked::Compared };
                    let said = said_by(&opinion.provider, hits, &labels);
                    self.pairs.saw(judged, &opinion.provider.name, &said, because);
                }
                None => self.compared_late += 1,
            },
            (OpinionRole::Screened | OpinionRole::FellOver | OpinionRole::Seconded, answer) => {
                self.opinions.retain(|before| before.frame == opinion.frame);
                if self.opinions.len() < OPINIONS_MAX {
                    let (frame, role, provider) = (opinion.frame, opinion.role, opinion.provider.clone());
                    self.opinions.push(Opinion { frame, role, provider, answer });
                }
            }
        }
    }

    fn assessed(&mut self, channel: &ChannelId, envelope: &Envelope, assessed: &FrameAssessed, whole: Whole) {
        let mut opinions = std::mem::take(&mut self.opinions);
        opinions.retain(|opinion| opinion.frame == assessed.frame);
        self.frames += 1;
        let labels = self.whole_of(&assessed.labels, assessed.answer.as_ref(), whole);
        self.newest = None;
        match self.models.number(&assessed.provider) {
            None => self.models.left_out_answers += 1,
            Some(number) => {
                self.newest = Some((assessed.frame, number));
                self.models.answered(number, AskedTo::Decide, assessed.took.2);
                let kind = Kind {
                    channel: channel.clone(),
                    policy: assessed.policy.clone(),
                    floor: assessed.floor,
                    reason: match assessed.arranged {
                        None | Some(Arranged::NothingToAsk) => Reason::First,
                        Some(Arranged::PastTheScreen) => Reason::PastTheScreen,
                        Some(Arranged::Sampled) => Reason::Sampled,
                        Some(Arranged::InPlaceOf(_)) => Reason::InPlace,
                    },
                };
                self.said(number, envelope, kind, &labels);
            }
        }
        self.screened(assessed, &labels, &opinions);
        let judged = Judged {
            position: envelope.position,
            channel: channel.clone(),
            frame: assessed.frame,
            captured_at: envelope.captured_at.unwrap_or(envelope.recorded_at),
            policy: assessed.policy.clone(),
            provider: assessed.provider.name.clone(),
            screened: matches!(
                assessed.arranged,
                Some(Arranged::NothingToAsk | Arranged::PastTheScreen | Arranged::Sampled)
            ),
            answer: said_by(&assessed.provider, assessed.rules.iter().map(|rule| rule.rule.clone()).collect(), &labels),
        };
        for opinion in &opinions {
            let Some((hits, labels)) = &opinion.answer else { continue };
            let because = match (opinion.role, assessed.arranged) {
                (OpinionRole::Seconded, _) => BothAsked::Seconded,
                (OpinionRole::Screened, Some(Arranged::Sampled)) => BothAsked::Sampled,
                (OpinionRole::Screened, _) => BothAsked::PastTheScreen,
                // the one did not answer, and the other stands apart
                (OpinionRole::FellOver | OpinionRole::Compared, _) => continue,
            };
            let said = said_by(&opinion.provider, hits.clone(), labels);
            self.pairs.saw(&judged, &opinion.provider.name, &said, because);
        }
        self.recent.add(judged);
    }

    fn screened(&mut self, assessed: &FrameAssessed, labels: &[Label], opinions: &[Opinion]) {
        let by = assessed.provider.name.clone();
        let screen = opinions.iter().find(|opinion| opinion.role == OpinionRole::Screened);
        let (screen, what) = match (assessed.arranged, screen) {
            (Some(Arranged::NothingToAsk), _) => (&assessed.provider.name, Screened::Saved),
            (Some(Arranged::PastTheScreen), Some(screen)) => (&screen.provider.name, Screened::Passed { by }),
            (Some(Arranged::Sampled), Some(screen)) => {
                let same_words = screen.provider.taxonomy == assessed.provider.taxonomy;
                let seen = screen.answer.as_ref().map_or(&[][..], |(_, labels)| labels);
                let known = |label: &Label| same_words && seen.iter().any(|seen| seen.path() == label.path());
                let labelled = labels.iter().any(|label| !known(label));
                // What the screen's own answer hits would have been found without asking anybody else.
                let own = screen.answer.as_ref().map_or(&[][..], |(hits, _)| hits);
                let hit = assessed.rules.iter().any(|outcome| !own.contains(&outcome.rule));
                (&screen.provider.name, Screened::Sampled { by, hit, labelled })
            }
            _ => return, // nobody screened it
        };
        self.screens.saw(&assessed.policy, screen, what);
    }

    fn failed(&mut self, failed: &FrameFailed) {
        let told = self.opinions.iter().any(|opinion| opinion.frame == failed.frame);
        self.opinions.clear();
        self.newest = None;
        match failed.stage {
            FailedStage::Provider => {
                self.failed.frames += 1;
                self.failed.tries += if told { 0 } else { u64::from(failed.attempts) };
            }
            FailedStage::NoProvider => self.failed.frames += 1,
            // it failed before anybody was asked, or nobody knows at what
            FailedStage::Fetch | FailedStage::Decode | FailedStage::Deadline | FailedStage::Warden => {}
        }
    }

    fn raised(&mut self, raised: &WarningRaised) {
        let judged = self.newest.filter(|(frame, _)| *frame == raised.frame);
        let (Some((_, model)), Some(label)) = (judged, &raised.label) else { return };
        match self.models.label_of(model, label.path()) {
            Some(because) => self.answers.raised(&mut self.models, because, label.confidence(), raised),
            None => self.models.left_out_labels += 1,
        }
    }

    fn said(&mut self, number: ModelNumber, envelope: &Envelope, kind: Kind, labels: &[Label]) {
        let labels = self.models.labels_said(number, labels);
        let place = Place { position: envelope.position, at: envelope.recorded_at };
        self.changes.answered(&self.models, number, place, Said { kind, labels });
    }

    /// The labels of an answer, of the whole of it where it is at hand.
    fn whole_of(&mut self, labels: &[Label], kept: Option<&ContentRef>, whole: Whole) -> Vec<Label> {
        let read = kept.and_then(whole);
        self.cut_answers += u64::from(kept.is_some() && read.is_none());
        read.unwrap_or_else(|| labels.to_vec())
    }
}

impl Fold {
    /// Puts into the report what came of it.
    pub fn finish(self, question: &Question, report: &mut Report) {
        let Self { models, answers, pairs, screens, changes, .. } = self;
        let shown = |name: &str| question.shows(name);
        report.frames = self.frames;
        report.failed = self.failed;
        report.left_out = LeftOut {
            model_answers: models.left_out_answers,
            labels: models.left_out_labels,
            cut_answers: self.cut_answers,
            warnings: answers.forgotten,
            pairs: pairs.left_out,
            compared: self.compared_late,
            screens: screens.left_out,
        };
        let numbers = models.in_order().into_iter().filter(|number| shown(&models.name(*number)));
        report.models = numbers.map(|number| figures(&models, number, question)).collect();
        report.screens = screens.report(shown, |name| question.prices.of(name));
        report.pairs = pairs.report(shown);
        (report.changes, report.changes_seen) = changes.report(&models, shown);
    }
}

/// An answer, as far as another is held against it.
fn said_by(provider: &ProviderRef, hits: Vec<RuleId>, labels: &[Label]) -> pairs::Answer {
    pairs::Answer { hits, named: Named::by(&provider.taxonomy, labels) }
}

fn figures(models: &Models, number: ModelNumber, question: &Question) -> ModelFigures {
    let model = models.model(number);
    let ProviderRef { name, model: version, taxonomy } = &model.reference;
    let price_micros = question.prices.of(name);
    let answered = model.calls.asked - model.calls.unanswered;
    let label = |(path, counts): (&_, &LabelCounts)| {
        let sum = |counts: &[u64; BANDS]| counts.iter().sum::<u64>();
        let (upheld, answers) = (sum(&counts.upheld), sum(&counts.upheld) + sum(&counts.dismissed));
        LabelFigures {
            label: Clone::clone(path),
            frames: sum(&counts.frames),
            warnings: answers + sum(&counts.unanswered),
            upheld: Rate::of(upheld, answers, Z_95),
            asked_from: counts.asked_from,
            by_score: bands(counts),
            threshold: threshold(counts, question.wanted_permille),
        }
    };
    ModelFigures {
        provider: name.to_string(),
        model: version.to_string(),
        taxonomy: taxonomy.to_string(),
        calls: model.calls,
        took: model.took(),
        price_micros,
        cost_micros: price_micros.map(|micros| micros.saturating_mul(answered)),
        labels: models.labels_of(number).map(label).collect(),
    }
}

fn bands(counts: &LabelCounts) -> Vec<Band> {
    let band = |at: usize| Band {
        from: begin_of(at),
        to: begin_of(at + 1),
        frames: counts.frames[at],
        unanswered: counts.unanswered[at],
        upheld: Rate::of(counts.upheld[at], counts.upheld[at] + counts.dismissed[at], Z_95),
    };
    (0..BANDS).map(band).filter(|band| band.frames + band.unanswered + band.upheld.of > 0).collect()
}

/// The last frames that were judged.
#[derive(Debug, Default)]
struct Recent {
    /// Never iterated.
    judged: HashMap<FrameId, Judged>,
    /// The oldest first.
    order: VecDeque<FrameId>,
}

impl Recent {
    fn add(&mut self, judged: Judged) {
        if self.order.len() >= RECENT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.judged.remove(&oldest);
        }
        self.order.push_back(judged.frame);
        self.judged.insert(judged.frame, judged);
    }

    fn get(&self, frame: FrameId) -> Option<&Judged> {
        self.judged.get(&frame)
    }
}
