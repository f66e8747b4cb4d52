//! Broken .flow files, with all that is told about each: `broken/NAME.flow` and `broken/NAME.txt`.
//!
//! `SAGALINE_BLESS=1` writes the texts anew, for people to read.

use std::{fs, path::Path};

use sagaline_lang::read_all;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken"))
}

#[test]
fn what_is_told_of_broken_files_names_the_place_and_what_to_do() {
    let mut files: Vec<_> = fs::read_dir(folder()).expect("a folder").flatten().map(|file| file.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "flow"));
    files.sort();
    assert!(40 <= files.len(), "{} files", files.len());
    let bless = std::env::var_os("SAGALINE_BLESS").is_some();
    let mut differ = vec![];
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let source = fs::read_to_string(&path).expect("a text");
        let faults = read_all(&source, &name).err().unwrap_or_else(|| panic!("{name} has no fault"));
        let told = faults.render(&source) + "\n";
        let kept = path.with_extension("txt");
        if bless {
            fs::write(&kept, &told).expect("written");
        } else if fs::read_to_string(&kept).ok().as_ref() != Some(&told) {
            differ.push(format!("=== {name}\n{told}"));
        }
        for fault in &faults.0 {
            assert!(1 <= fault.line && 1 <= fault.column && 1 <= fault.width, "{name}: {fault:?}");
            assert!(fault.line <= source.lines().count().max(1), "{name}: {fault:?}");
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
