//! The examples that people read first: every YAML block of the pages must read without a fault, and without a warning.

use sagaline_lang::read_all;

const PAGES: [(&str, &str); 4] = [
    ("README.md", include_str!("../../../README.md")),
    ("docs/workflows.md", include_str!("../../../docs/workflows.md")),
    ("docs/triggers.md", include_str!("../../../docs/triggers.md")),
    ("docs/project.md", include_str!("../../../docs/project.md")),
];

/// The YAML blocks of a page. As many empty lines stand before each as there are above it, so that a fault names the line of the page.
fn blocks(page: &str) -> Vec<String> {
    let (mut blocks, mut open) = (vec![], None);
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.trim_end()) {
            (None, "```yaml") => open = Some("\n".repeat(number + 1)),
            (None, _) => {}
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

#[test]
fn every_example_on_the_pages_can_be_applied() {
    for (name, page) in PAGES {
        let blocks = blocks(page);
        assert!(!blocks.is_empty(), "`{name}` has no example");
        for block in blocks {
            let definitions = read_all(&block, name).unwrap_or_else(|faults| panic!("{}", faults.render(&block)));
            for definition in definitions {
                assert_eq!(definition.warnings, [], "{}", definition.plan.workflow);
            }
        }
    }
}

#[test]
fn every_file_of_examples_can_be_applied() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let files = |folder: &str| std::fs::read_dir(folder).expect("a folder").flatten().map(|file| file.path());
    let mut read = 0;
    for file in files(folder)
        .filter(|path| path.is_file())
        .chain(files(&format!("{folder}/tasks")))
        .chain(files(&format!("{folder}/flow")))
    {
        let (text, name) = (std::fs::read_to_string(&file).expect("a text"), file.display().to_string());
        let definitions = read_all(&text, &name).unwrap_or_else(|faults| panic!("{}", faults.render(&text)));
        for definition in definitions {
            assert_eq!(definition.warnings, [], "{name}");
            read += 1;
        }
    }
    assert!(read > 5, "there are more than {read} examples");
}

#[test]
fn a_fault_in_an_example_is_found_on_its_line_of_the_page() {
    let blocks = blocks("# A page\n\n```yaml\nworkflow: w\nstep: {}\n```\n```sh\nls\n```\n");
    let faults = read_all(&blocks[0], "page.md").expect_err("`step` is no key").to_string();
    assert_eq!(blocks.len(), 1);
    assert!(faults.contains("page.md:5:1: unknown key `step`"), "{faults}");
}
