//! What everything stands on: a nats-server of its own and its folder, or one that runs already.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use sagaline_server::{Finder, Server, ServerOptions};
use tokio::{sync::mpsc, task::spawn_blocking};

use crate::{
    context::Context,
    failure::{Exit, Failure, chain},
    output::Output,
};

pub(super) struct Ground {
    pub(super) url: String,
    own: Option<Own>,
}

struct Own {
    server: Server,
    version: String,
    folder: Folder,
}

/// Removed with this value, if it is not to be kept.
struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Ground {
    pub(super) async fn prepare(data_dir: Option<PathBuf>, context: &Context) -> Result<Self, Failure> {
        if let Some(url) = &context.given_url {
            return Ok(Self { url: url.clone(), own: None });
        }
        let binary = find(&context.output).await?;
        let folder = match data_dir {
            Some(path) => Folder { path, kept: true },
            None => Folder::temporary()?,
        };
        let version = binary.version().to_string();
        let options = ServerOptions { monitor: true, ..ServerOptions::new(binary, &folder.path) };
        let server = Server::start(options).await;
        let server = server.map_err(|error| Failure::new(Exit::Unreachable, chain(&error)))?;
        Ok(Self { url: server.url(), own: Some(Own { server, version, folder }) })
    }

    /// Where the server says how it keeps what it acknowledges; of a stranger's that is not known.
    pub(super) fn monitors(&self) -> Vec<String> {
        self.own.as_ref().and_then(|own| own.server.monitor_url()).into_iter().collect()
    }

    /// Resolves when the server dies by itself.
    pub(super) fn death(&self) -> impl Future<Output = Failure> + use<> {
        let death = self.own.as_ref().map(|own| own.server.death());
        async move {
            let Some(death) = death else { return std::future::pending().await };
            Failure::new(Exit::Unreachable, death.await.to_string())
                .hint("start it again; what was stored is kept in `--data-dir`")
        }
    }

    pub(super) fn data_dir(&self) -> Option<(&Path, bool)> {
        self.own.as_ref().map(|own| (own.folder.path.as_path(), own.folder.kept))
    }

    pub(super) fn server_pid(&self) -> Option<u32> {
        self.own.as_ref().map(|own| own.server.pid())
    }

    pub(super) fn server_note(&self) -> String {
        let note = |own: &Own| format!(" (nats-server {}, process {})", own.version, own.server.pid());
        self.own.as_ref().map(note).unwrap_or_default()
    }

    /// Stops the server, then removes what is not to be kept.
    pub(super) async fn clear(&mut self) {
        if let Some(own) = &mut self.own {
            own.server.stop().await;
            own.folder.remove();
        }
    }

    /// The same without waiting for the server to finish what it has.
    pub(super) async fn abandon(&mut self) {
        if let Some(own) = &mut self.own {
            own.server.kill().await;
            own.folder.remove();
        }
    }
}

/// Finding may mean installing, which takes a while and says so.
async fn find(output: &Output) -> Result<sagaline_server::Binary, Failure> {
    let (says, mut said) = mpsc::unbounded_channel();
    let finding = spawn_blocking(move || {
        Finder::from_env().find_or_install(|doing| says.send(doing.to_owned()).unwrap_or_default())
    });
    while let Some(doing) = said.recv().await {
        output.talk(&doing);
    }
    match finding.await {
        Ok(Ok(binary)) => Ok(binary),
        Ok(Err(error)) => {
            let text = error.to_string();
            let (message, hints) = text.split_once("\nhint: ").unwrap_or((&text, ""));
            Err(Failure::new(Exit::Unreachable, message).hint(hints))
        }
        Err(error) => Err(Failure::bug(format!("the search for a nats-server broke off: {error}"))),
    }
}

impl Folder {
    /// Readable by nobody else: it will hold what executions carry.
    fn temporary() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("sagaline-dev-{}", sagaline_sdk::client::fresh_id()));
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| {
            Failure::new(Exit::Failed, format!("cannot make the folder `{}`: {error}", path.display()))
        })?;
        Ok(Self { path, kept: false })
    }

    fn remove(&mut self) {
        if self.kept {
            return;
        }
        match fs::remove_dir_all(&self.path) {
            Ok(()) => self.kept = true,
            Err(error) => tracing::warn!(folder = %self.path.display(), %error, "the temporary folder stays"),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}
