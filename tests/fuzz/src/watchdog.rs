//! Notices a text that whoever reads it never comes back from. Nothing can end such a reader, so the whole process ends, once the text is kept.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use crate::{Form, corpus};

/// Who takes more of the processor than this for one text goes in circles: what is slow is a finding long before.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How much longer it may take by the clock on the wall: others use the machine too, and who waits for something uses none of it.
const SLACK: u32 = 12;

/// Waits beside whoever reads texts, one after another.
pub struct Watchdog {
    news: Sender<News>,
}

enum News {
    Begun(Form, String, Duration),
    Ended,
}

impl Watchdog {
    /// `hangs` is given a text that took too long. It should end the process: whoever reads the text never will.
    pub fn new(hangs: impl FnOnce(Form, &str, Duration) + Send + 'static) -> Self {
        let (news, told) = channel();
        thread::spawn(move || {
            if let Some((form, text, patience)) = watch(&told) {
                hangs(form, &text, patience);
            }
        });
        Self { news }
    }

    /// Keeps such a text in a folder, names its file on standard error, and ends the process with 1.
    pub fn keeping(folder: PathBuf) -> Self {
        Self::new(move |form, text, patience| {
            let told = kept(&folder, form, text, patience);
            // Standard output may be locked by whoever hangs. If nobody can be told, the exit code still tells.
            drop(io::stderr().write_all(told.as_bytes()));
            process::exit(1);
        })
    }

    /// Reads a text under its eyes.
    pub fn over<T>(&self, form: Form, text: &str, patience: Duration, read: impl FnOnce() -> T) -> T {
        // The other end is gone only once a text hung, and then this process ends.
        drop(self.news.send(News::Begun(form, text.to_owned(), patience)));
        let read = read();
        drop(self.news.send(News::Ended));
        read
    }
}

fn kept(folder: &Path, form: Form, text: &str, patience: Duration) -> String {
    match corpus::keep_hanging(folder, form, text) {
        Ok(path) => format!("a text was not read within {patience:?}: {}\n", path.display()),
        Err(error) => format!("a text was not read within {patience:?}, and could not be kept: {error}\n{text}\n"),
    }
}

/// `None`: nobody reads any more.
fn watch(told: &Receiver<News>) -> Option<(Form, String, Duration)> {
    while let Ok(news) = told.recv() {
        let News::Begun(form, text, patience) = news else { continue };
        let begun = cpu();
        let mut waits = 0;
        loop {
            match told.recv_timeout(patience) {
                Ok(_) => break,
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => waits += 1,
            }
            if patience <= cpu().saturating_sub(begun) || waits == SLACK {
                return Some((form, text, patience));
            }
        }
    }
    None
}

/// What the whole process has used of the processor: an expression is parsed on a thread of its own.
pub(crate) fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(spent.tv_sec).unwrap_or(0), u32::try_from(spent.tv_nsec).unwrap_or(0))
}
