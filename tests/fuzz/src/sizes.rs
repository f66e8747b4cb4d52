//! How long reading and writing take for files of several sizes: in a linear world the time for each KiB stays the same.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use sagaline_lang::{LARGEST_FILE, read, to_yaml};

/// A chain of steps of about so many bytes.
fn chain(size: usize) -> String {
    let mut text = String::from("workflow: large\nsteps:\n  s0: { activity: noop }\n");
    for number in 1.. {
        let before = number - 1;
        let step = format!(
            "  s{number}: {{ activity: echo, after: s{before}, input: {{ number: {number}, text: \"some words of a step\" }}, retry: 3, timeout: 5m }}\n"
        );
        if size < text.len() + step.len() {
            break;
        }
        text.push_str(&step);
    }
    text
}

/// A table of sizes up to the largest file, on standard output.
pub fn measure(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:>8} {:>8} {:>12} {:>12} {:>12}", "KiB", "steps", "read", "per KiB", "written")?;
    for share in [8, 4, 2, 1] {
        let text = chain(LARGEST_FILE / share);
        let read_in = best_of(|| drop(read(&text, "large.yaml")));
        let plan = read(&text, "large.yaml").map_err(io::Error::other)?.plan;
        // What is written out may be larger than a file may be; then there is no time to tell.
        let written = to_yaml(&plan).is_ok().then(|| best_of(|| drop(to_yaml(&plan))));
        let kib = text.len() / 1024;
        let each = read_in / u32::try_from(kib).unwrap_or(1);
        let written = written.map_or("too large".to_owned(), |time| format!("{time:.1?}"));
        writeln!(
            out,
            "{kib:>8} {:>8} {:>12} {:>12} {written:>12}",
            plan.root.nodes.len(),
            format!("{read_in:.1?}"),
            format!("{each:.1?}")
        )?;
    }
    Ok(())
}

fn best_of(mut run: impl FnMut()) -> Duration {
    let times = (0..3).map(|_| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    });
    times.min().unwrap_or_default()
}
