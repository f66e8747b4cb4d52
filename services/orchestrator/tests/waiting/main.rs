//! A queue that does few jobs at once and has very many: who waits for a place does not fit in one message. A real orchestrator on a
//! real NATS, killed in the middle of it.

mod site;

use crate::site::Site;

const JOBS: usize = 20_000;
const AT_ONCE: u32 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_of_twenty_thousand_jobs_that_wait_comes_back_from_its_checkpoint() {
    let mut site = Site::start(AT_ONCE).await;
    site.submit(JOBS).await;
    let head = site.is_saved().await;
    let bytes = site.bytes_in_parts().await.expect("the line is in parts");
    assert!(bytes > 1 << 20, "{bytes} bytes are no test of parts");
    site.restart_orchestrator();
    let folded = site.recovered(2).await;
    eprintln!("{JOBS} jobs wait: {bytes} bytes, {head} entries on the log, {folded} folded by the next owner");
    assert!(folded < head / 10, "{folded} of {head} entries were folded again");

    let worker = site.work();
    for (kill, done) in [(3, JOBS / 8), (4, JOBS / 2)] {
        site.are_done(done).await;
        site.restart_orchestrator();
        let folded = site.recovered(kill).await;
        let head = site.head().await;
        eprintln!("{done} are done: {head} entries on the log, {folded} folded by the next owner");
        assert!(folded < head / 2, "{folded} of {head} entries were folded again");
    }
    site.are_done(JOBS).await;
    let ended = site.end(worker).await;
    assert_eq!(ended.twice, 0, "nothing is done twice");
    assert!(ended.most <= AT_ONCE as usize, "{} at once", ended.most);
    site.has_no_parts().await;
}
