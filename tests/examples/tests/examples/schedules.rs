//! What starts by itself: `examples/schedules.yaml` and `examples/daily_maintenance.yaml`.

use sagaline_events::ScheduleView;
use sagaline_model::{Moment, Name, Overlap};
use sagaline_sdk::client::Who;
use sagaline_testkit::site::eventually;
use serde_json::json;

use crate::site::{Site, assert_completed, site};

/// How a schedule stands, once the scheduler has met the definition that brings it.
pub(crate) async fn schedule(site: &Site, name: &str) -> ScheduleView {
    let name = Name::new(name).expect("a name");
    let look = async || site.client.schedule(&name).await.expect("an answer");
    eventually(&format!("`{name}` is known"), async || look().await.is_some()).await;
    look().await.expect("it is known")
}

fn time(moment: Moment) -> String {
    moment.to_string()[11..19].to_owned()
}

#[tokio::test]
async fn every_way_to_say_when_is_a_schedule() {
    let site = site().await;
    for (name, ticks) in [
        ("by_the_calendar-2", ["06:00:00", "12:00:00", "18:00:00"].as_slice()),
        ("by_the_calendar-3", ["00:00:00"].as_slice()),
        ("once_at_a_time", ["00:00:00"].as_slice()),
    ] {
        let view = schedule(&site, name).await;
        assert!(
            !view.next.is_empty() && view.next.iter().all(|tick| ticks.contains(&time(*tick).as_str())),
            "{view:?}"
        );
    }
    let berlin = schedule(&site, "by_the_calendar").await;
    assert!(berlin.next.iter().all(|tick| ["04:00:00", "05:00:00"].contains(&time(*tick).as_str())), "{berlin:?}");
    let five = schedule(&site, "by_the_clock").await.next;
    assert!(five.windows(2).all(|two| two[1].since(two[0]).to_string() == "5m"), "{five:?}");
    assert_eq!(schedule(&site, "by_the_clock-2").await.next, [], "it was over before it was known");
    assert_eq!(schedule(&site, "once_in_a_while").await.next.len(), 1);
}

#[tokio::test]
async fn a_night_of_maintenance_says_what_it_did() {
    let site = site().await;
    let view = schedule(&site, "daily_maintenance").await;
    assert_eq!((view.spec.overlap, time(view.next[0])), (Overlap::Skip, "02:00:00".to_owned()));
    let (night, _) = site.client.trigger_schedule(&view.name, None, Who::default()).await.expect("it starts");
    let ended = site.end(&night).await;
    assert_completed(&ended);
    assert_eq!(ended.output, json!({ "files_cleaned": 12, "records_archived": 90, "analytics_updated": true }));
}
