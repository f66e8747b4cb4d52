//! A collector of somebody else's between the services and the receiver.

use sagaline_telemetry_tests::{Receiver, Site, tools::Collector};

use crate::told::{self, environment};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_collector_takes_the_same_traces() {
    let receiver = Receiver::listen().await;
    let logs = std::env::temp_dir().join(format!("sagaline-collector-{}", std::process::id()));
    std::fs::create_dir_all(&logs).expect("a folder can be made");
    let collector = Collector::start(&receiver.url(), &logs);
    let site = Site::start("telemetry-collector", environment(&collector.url())).await;
    told::all(&site, &receiver).await;
    site.system.end().await;
    drop(collector);
    std::fs::remove_dir_all(&logs).expect("it is ours");
}
