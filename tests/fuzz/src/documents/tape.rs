//! Choices, one after the other, from bytes. Behind its end a tape has zeros: the first of everything.

pub struct Tape<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Tape<'t> {
    pub fn new(bytes: &'t [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn next(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    /// A number below `many`.
    pub fn below(&mut self, many: usize) -> usize {
        if many <= 1 { 0 } else { usize::from(self.next()) % many }
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// True so many times in ten; false behind the end.
    pub fn chance(&mut self, in_ten: u8) -> bool {
        u16::from(self.next()) >= 256 - u16::from(in_ten) * 25
    }
}
