//! A file that answers when the test lets it: a FUSE daemon of one file, in mounts of the test's
//! own.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
    sync::{Arc, Condvar, Mutex},
    thread,
};

use nix::mount::{MsFlags, mount};

/// What the file says; none while it answers nobody.
type Text = Arc<(Mutex<Option<&'static str>>, Condvar)>;

/// The file. Dropping it lets everybody go who waits for it.
pub struct GatedFile(Text);

impl GatedFile {
    /// Mounts a file over the one at `path`, which says `text`.
    pub fn over(path: &Path, text: &'static str) -> Self {
        let device = File::options()
            .read(true)
            .write(true)
            .open("/dev/fuse")
            .unwrap();
        let options = format!(
            "fd={},rootmode=100444,user_id=0,group_id=0,allow_other",
            device.as_raw_fd()
        );
        mount(
            Some("gated"),
            path,
            Some("fuse.gated"),
            MsFlags::empty(),
            Some(options.as_str()),
        )
        .unwrap();
        let shared = Text::new((Mutex::new(Some(text)), Condvar::new()));
        let daemon = Daemon {
            device: device.into(),
            text: Arc::clone(&shared),
        };
        thread::spawn(move || daemon.serve());
        Self(shared)
    }

    /// What it says from now on, or that it says nothing more: reads wait.
    pub fn say(&self, text: Option<&'static str>) {
        let (now, changed) = &*self.0;
        *now.lock().unwrap() = text;
        changed.notify_all();
    }
}

impl Drop for GatedFile {
    fn drop(&mut self) {
        self.say(Some(""));
    }
}

/// The other end of the file (linux/fuse.h). It answers one question after the other, which is what
/// a stuck one does.
struct Daemon {
    device: OwnedFd,
    text: Text,
}

const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const READ: u32 = 15;
const INIT: u32 = 26;
/// Questions that want no answer.
const FORGET: u32 = 2;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;
const NOT_IMPLEMENTED: i32 = -38;

impl Daemon {
    fn serve(self) {
        let mut device = File::from(self.device);
        let mut question = vec![0; 1 << 17];
        while let Ok(length) = device.read(&mut question) {
            let word = |at: usize| u32::from_ne_bytes(question[at..at + 4].try_into().unwrap());
            let code = word(4);
            if length < 40 || [FORGET, INTERRUPT, BATCH_FORGET].contains(&code) {
                continue;
            }
            let (error, body) = match code {
                // Version 7.31, no readahead, no features; a page for a write.
                INIT => (
                    0,
                    words(&[7, 31, 0, 0, 0, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
                ),
                // Not to be kept; inode 1, and of all its facts the mode (a file that all may read)
                // and one link.
                GETATTR => {
                    let mut facts = [0; 26];
                    (facts[4], facts[19], facts[20]) = (1, 0o100_444, 1);
                    (0, words(&facts))
                }
                // Handle 0; every read is asked for anew.
                OPEN => (0, words(&[0, 0, 1, 0])),
                READ if word(48) > 0 => (0, Vec::new()),
                READ => {
                    let (text, changed) = &*self.text;
                    let text = changed
                        .wait_while(text.lock().unwrap(), |text| text.is_none())
                        .unwrap();
                    (0, text.unwrap_or_default().as_bytes().to_vec())
                }
                _ => (NOT_IMPLEMENTED, Vec::new()),
            };
            let length = u32::try_from(16 + body.len()).unwrap();
            let head = [
                &length.to_ne_bytes()[..],
                &i32::to_ne_bytes(error),
                &question[8..16],
            ]
            .concat();
            // Whoever asked may be gone.
            let _ = device.write(&[head, body].concat());
        }
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}
