//! `jobs`, short: it measures what it says it does, on a real server with real services. Without Redis: that is for a person to start.

use sagaline_crash::Programs;
use sagaline_load::jobs::{Settings, run};

#[tokio::test(flavor = "multi_thread")]
async fn every_run_of_jobs_is_counted_and_has_a_rate() {
    let settings = Settings {
        programs: Programs::built().path(""),
        bullmq: "nowhere".into(),
        jobs: 300,
        warm_up: 50,
        concurrency: vec![8, 64],
        runs: 2,
        ours_only: true,
    };
    let mut said = vec![];
    let summary = run(&settings, |line| said.push(line.to_owned())).await.expect("it is measured");
    assert_eq!(summary.keys().copied().collect::<Vec<_>>(), [8, 64]);
    for (concurrency, runs) in &summary {
        assert_eq!((runs.sagaline.len(), runs.bullmq.len(), runs.ratio), (2, 0, None), "{concurrency}: {runs:?}");
        for run in &runs.sagaline {
            // The last submit is acknowledged before the last job is done, so more are submitted in a second than done.
            assert!(0.0 < run.jobs_per_s && run.jobs_per_s <= run.submits_per_s, "{concurrency}: {run:?}");
        }
        let [one, two] = &runs.sagaline[..] else { panic!("two runs") };
        let middle = f64::midpoint(one.jobs_per_s, two.jobs_per_s);
        assert!(runs.sagaline_jobs_per_s.is_some_and(|median| (median - middle).abs() < 1e-6), "{runs:?}");
    }
    let of_runs = said.iter().filter(|line| line.starts_with("run ")).count();
    assert_eq!(of_runs, 4, "{said:?}");
}
