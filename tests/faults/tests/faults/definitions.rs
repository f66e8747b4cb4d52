//! Definitions that cannot be: told with their place and a hint, and nothing of them is applied.

use crate::{
    program::{Folder, run},
    site::Site,
};

/// The file, the line and column of its fault, what is wrong with it, and what to do.
const FAULTY: [(&str, &str, &str, &str); 4] = [
    (
        "workflow: faulty\nsteps:\n  a: { activity: echo\n  b: [\n",
        ":4:4: ",
        "not valid YAML",
        "hint: check the brackets of this map",
    ),
    (
        "workflow: faulty\nsteps:\n  a: { activity: echo }\n  b: { after: a, activity: echo, input: \"${ steps.aa.output }\" }\n",
        ":4:51: ",
        "there is no step `aa`",
        "hint: did you mean `a`?",
    ),
    (
        "workflow: faulty\nsteps:\n  a: { activity: echo, after: b }\n  b: { activity: echo, after: a }\n",
        ":3:31: ",
        "a → b → a",
        "hint: each waits for the one to its right; remove one `after` of them",
    ),
    (
        "workflow: faulty\nsteps:\n  a: { activity: echo }\n  a: { activity: echo }\n",
        ":4:3: ",
        "`a` is given twice",
        "hint: the first one is on line 3",
    ),
];

#[test]
fn a_faulty_definition_is_told_with_its_place_and_a_hint() {
    let folder = Folder::new();
    for (text, place, fault, hint) in FAULTY {
        let file = folder.file("faulty.yaml", text);
        let place = format!("{file}{place}");
        let ran = run("sagaline", ["validate", &file]).ends_with(65).says(&[&place, fault, hint]);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
}

#[test]
fn nothing_is_applied_of_files_of_which_one_is_faulty() {
    let (site, folder) = (Site::shared(), Folder::new());
    folder.file("a.yaml", "workflow: sound\nsteps:\n  a: { activity: echo }\n");
    for (text, place, fault, hint) in FAULTY {
        let file = folder.file("b.yaml", text);
        site.sagaline(&["apply", &folder.0.display().to_string()]).ends_with(65).says(&[
            &format!("{file}{place}"),
            fault,
            hint,
        ]);
    }
    let applied = site.sagaline(&["workflows", "--output", "json"]).ends_with(0).stdout;
    assert!(applied.contains("\"echo\"") && !applied.contains("sound") && !applied.contains("faulty"), "{applied}");
    site.goes_on();
}
