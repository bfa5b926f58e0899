//! Two things that reach a warden in the same moment: each is decided against what the other left.

use std::sync::{Mutex, mpsc};

use streamwarden::actors::Settings;
use streamwarden::events::Event;
use streamwarden::warden::Command;

use crate::premises::{Premises, Setup, T0, channel, frame, outcome, picture, session};
use crate::scripted::{PATIENCE, Says};

#[test]
fn an_answer_that_comes_with_an_order_is_decided_after_it_and_is_not_asked_for_again() {
    let settings = Settings { arbiters: 1, ..Setup::default().settings };
    let (premises, setup) = (Premises::new(), Setup { settings, ..Setup::default() });
    let shown = picture(1);
    setup.provider.says(&shown, Says::Held(&[("Alcohol", 95.0)]));
    premises.live(&setup, async |live| {
        let (channel, other) = (channel("in-the-same-moment"), channel("holds-the-thread"));
        let judged = frame(&channel, 0, &shown);
        let offered = live.offered(&judged);
        setup.provider.asked(&shown).await;

        // The one thread of the wardens stands still in another channel's decision, while both arrive.
        let (entered, enters) = mpsc::channel();
        let (go_on, goes_on) = mpsc::channel::<()>();
        let goes_on = Mutex::new(goes_on);
        fail::cfg_callback(format!("warden.decide {other}"), move || {
            let _ = entered.send(());
            let _ = goes_on.lock().expect("nothing breaks under it").recv_timeout(PATIENCE);
        })
        .expect("a fail point");
        let holds = live.ordered(&other, Command::StartSession { session: session("st-other"), at: T0 });
        tokio::task::spawn_blocking(move || enters.recv_timeout(PATIENCE)).await.expect("it runs").expect("it stands");
        let ordered = live.ordered(&channel, Command::EndSession { session: judged.session.clone() });
        tokio::task::yield_now().await; // the order is in the mailbox
        setup.provider.release();
        go_on.send(()).expect("somebody waits");

        for done in [holds, ordered] {
            done.await.expect("the order does not break").expect("the order is carried out");
        }
        assert!(matches!(outcome(offered).await.event, Event::FrameAssessed(_)), "{}", live.told());
        assert_eq!(setup.provider.calls(&shown), 1, "its answer was not lost on the way to the disk");
        assert_eq!(live.state(&channel).await, live.replayed(&channel));
        live.assert_one_outcome_each([&judged]);
        fail::remove(format!("warden.decide {other}"));
    });
}
