//! Texts that led to something that none before them led to. Kept, so that what was reached once is reached every time.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::Form;

/// Where those of the repository are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Every text of a form, with the name of its file.
pub fn texts(folder: &Path, form: Form) -> io::Result<Vec<(String, String)>> {
    let mut found = vec![];
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|ending| ending == form.ending()) {
            found.push((path.display().to_string(), fs::read_to_string(&path)?));
        }
    }
    found.sort();
    Ok(found)
}

/// Keeps a text under a name that is made of it.
pub fn keep(folder: &Path, form: Form, text: &str) -> io::Result<PathBuf> {
    write(folder, &format!("{:016x}.{}", hash(text), form.ending()), text)
}

/// Keeps a text that nobody came back from, under a name that says so. It is fed again like the others.
pub fn keep_hanging(folder: &Path, form: Form, text: &str) -> io::Result<PathBuf> {
    write(folder, &format!("hangs-{:016x}.{}", hash(text), form.ending()), text)
}

fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let path = folder.join(name);
    fs::write(&path, text)?;
    Ok(path)
}

/// 64-bit FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
