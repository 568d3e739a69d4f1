//! A file that is there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Written beside its place, under another name, and put there at the end. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Output {
    place: PathBuf,
    partial: PathBuf,
    force: bool,
    done: bool,
}

impl Output {
    /// Makes an empty file beside `place`, for its owner's eyes alone: it will hold what people said.
    ///
    /// # Errors
    /// When something is at `place` already and may not be replaced, or the folder takes no file.
    pub(crate) fn beside(place: &Path, force: bool) -> Result<Self, String> {
        let Some(name) = place.file_name() else {
            return Err(format!("cannot write {}: it is no file's name", place.display()));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.partial", std::process::id()));
        let output =
            Self { place: place.to_owned(), partial: place.with_file_name(hidden), force, done: false };
        output.refuse_taken()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&output.partial).map_err(|error| output.cannot(&error))?;
        Ok(output)
    }

    /// Where to write meanwhile.
    pub(crate) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Puts the file in its place: what is written is on the disk when this returns, and so is its name.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        File::open(&self.partial).and_then(|file| file.sync_all()).map_err(|error| self.cannot(&error))?;
        self.refuse_taken()?;
        fs::rename(&self.partial, &self.place).map_err(|error| self.cannot(&error))?;
        self.done = true;
        let folder = self.place.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new(".")));
        folder.and_then(|folder| folder.sync_all()).map_err(|error| self.cannot(&error))
    }

    /// Why it is not written, for whoever reads it.
    pub(crate) fn cannot(&self, error: &io::Error) -> String {
        format!("cannot write {}: {error}", self.place.display())
    }

    /// Looked at twice: at first, lest somebody wait for nothing, and at the end. A pipe or a device would not be written
    /// to but replaced, and of a link nobody knows which end is meant.
    fn refuse_taken(&self) -> Result<(), String> {
        let place = self.place.display();
        match fs::symlink_metadata(&self.place) {
            Err(_) => Ok(()),
            Ok(taken) if !taken.is_file() => {
                Err(format!("{place} is no file; a pipe is written to by way of stdout"))
            }
            Ok(_) if self.force => Ok(()),
            Ok(_) => Err(format!("{place} is there already: name another, or pass --force to replace it")),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.done {
            // Best effort: its name says that it is only a part.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_leaves_nothing_and_what_is_replaces_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("room.jsonl");
        let names = || fs::read_dir(folder.path()).unwrap().count();

        drop(Output::beside(&place, false).unwrap());
        assert_eq!(names(), 0);

        let output = Output::beside(&place, false).unwrap();
        fs::write(output.partial(), "one").unwrap();
        output.finish().unwrap();
        assert!(Output::beside(&place, false).unwrap_err().contains("--force"));

        let output = Output::beside(&place, true).unwrap();
        fs::write(output.partial(), "two").unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "one", "until it is finished");
        output.finish().unwrap();
        assert_eq!((fs::read_to_string(&place).unwrap().as_str(), names()), ("two", 1));
    }

    #[test]
    fn what_came_to_the_place_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("room.jsonl");
        let output = Output::beside(&place, false).unwrap();
        fs::write(&place, "somebody else's").unwrap();
        assert!(output.finish().unwrap_err().contains("there already"));
        assert_eq!(fs::read_to_string(&place).unwrap(), "somebody else's");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_but_a_file_is_ever_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        for place in [&pipe, &link, &folder.path().to_owned()] {
            for force in [false, true] {
                let why = Output::beside(place, force).unwrap_err();
                assert!(why.contains("is no file") && !why.contains("--force"), "{why}");
            }
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
