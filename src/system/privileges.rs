//! Gives up root for good, and proves it.
//!
//! Under the packaged service `User=` has done this already. Everything here must happen before a
//! thread is started, because capabilities and no_new_privs belong to a thread.

use std::ffi::CString;

use caps::{CapSet, Capability};
use nix::{
    errno::Errno,
    sys::{
        prctl,
        resource::{Resource, getrlimit, setrlimit},
    },
    unistd::{Gid, Uid, User, getresgid, getresuid, initgroups, setresgid, setresuid},
};

/// The rights of root could not be given up, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {problem}")]
pub struct PrivilegeError {
    /// The step that failed.
    step: String,
    /// Why it failed, and what would help.
    problem: String,
    /// Whether a right was missing, as opposed to something else.
    pub forbidden: bool,
}

/// The user to become.
#[derive(Debug)]
pub enum Account {
    /// No change: the program was not started by root, and no other user was asked for.
    Unchanged,
    /// Root, by request; the caller warns of it.
    Root,
    /// This user, with all groups of its own.
    User(User),
}

/// Users to become when none is named; the first that exists is taken.
const DEFAULT_USERS: [&str; 2] = ["rtstat", "nobody"];

/// Chooses the user to become. Changes nothing.
///
/// # Errors
/// The user does not exist, or the program was started by another user than root and this one.
pub fn choose(name: Option<&str>) -> Result<Account, PrivilegeError> {
    let root = Uid::effective().is_root();
    let names = match name {
        Some(name) => vec![name],
        None if root => DEFAULT_USERS.to_vec(),
        None => return Ok(Account::Unchanged),
    };
    let found = names
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten());
    let Some(user) = found else {
        let problem = "there is no such user; --user root is the only way to stay root".into();
        return Err(failure(
            format!("--user {}", names.join(", ")),
            problem,
            Errno::ENOENT,
        ));
    };
    match (root, user.uid) {
        (true, uid) if uid.is_root() => Ok(Account::Root),
        (true, _) => Ok(Account::User(user)),
        (false, uid) if uid == Uid::effective() => Ok(Account::Unchanged),
        (false, _) => {
            let problem = "only root can become another user".into();
            Err(failure(
                format!("--user {}", user.name),
                problem,
                Errno::EPERM,
            ))
        }
    }
}

fn failure(step: String, problem: String, errno: Errno) -> PrivilegeError {
    PrivilegeError {
        step,
        problem,
        forbidden: matches!(errno, Errno::EPERM | Errno::EACCES),
    }
}

/// Becomes the chosen user and proves that there is no way back: the bounding set goes first, since
/// that needs root; then groups, since that needs it too; the user last.
///
/// # Errors
/// A step that the system refused, or a right that is left after all.
pub fn become_user(account: &Account) -> Result<(), PrivilegeError> {
    let Account::User(user) = account else {
        return Ok(());
    };
    let step = |what: &'static str| {
        move |errno: Errno| {
            failure(
                format!("cannot {what} {}", user.name),
                errno.desc().to_owned(),
                errno,
            )
        }
    };
    drop_bounding_set()
        .map_err(|problem| failure("cannot drop the bounding set".into(), problem, Errno::EPERM))?;
    for set in [CapSet::Ambient, CapSet::Inheritable] {
        let cleared = caps::clear(None, set);
        cleared.map_err(|error| {
            failure(
                format!("cannot clear the {set:?} set"),
                error.to_string(),
                Errno::EPERM,
            )
        })?;
    }
    let name = CString::new(user.name.as_str()).map_err(|_| step("use the name")(Errno::EINVAL))?;
    initgroups(&name, user.gid).map_err(step("take the groups of"))?;
    setresgid(user.gid, user.gid, user.gid).map_err(step("take the group of"))?;
    setresuid(user.uid, user.uid, user.uid).map_err(step("become"))?;
    prctl::set_no_new_privs().map_err(step("set no_new_privs as"))?;
    prove(user).map_err(|problem| failure(format!("--user {}", user.name), problem, Errno::EPERM))
}

/// A container may have taken the right to do this from root; without that right its capabilities
/// still end with the change of user, and no_new_privs keeps them from coming back.
fn drop_bounding_set() -> Result<(), String> {
    let fault = |error: caps::errors::CapsError| error.to_string();
    if !caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).map_err(fault)? {
        return Ok(());
    }
    for capability in caps::read(None, CapSet::Bounding).map_err(fault)? {
        caps::drop(None, CapSet::Bounding, capability).map_err(fault)?;
    }
    Ok(())
}

/// Tries to come back, and looks for rights that are left.
fn prove(user: &User) -> Result<(), String> {
    const ROOT_USER: Uid = Uid::from_raw(0);
    const ROOT_GROUP: Gid = Gid::from_raw(0);
    if setresuid(ROOT_USER, ROOT_USER, ROOT_USER).is_ok() {
        return Err("the way back to root is still open".into());
    }
    if user.gid != ROOT_GROUP && setresgid(ROOT_GROUP, ROOT_GROUP, ROOT_GROUP).is_ok() {
        return Err("the way back to root's group is still open".into());
    }
    let ids = getresuid().map_err(|errno| errno.to_string())?;
    let groups = getresgid().map_err(|errno| errno.to_string())?;
    if [ids.real, ids.effective, ids.saved] != [user.uid; 3]
        || [groups.real, groups.effective, groups.saved] != [user.gid; 3]
    {
        return Err("a user or group id of root is left".into());
    }
    for set in [
        CapSet::Effective,
        CapSet::Permitted,
        CapSet::Inheritable,
        CapSet::Ambient,
    ] {
        let left = caps::read(None, set).map_err(|error| error.to_string())?;
        if !left.is_empty() {
            return Err(format!("capabilities are left: {left:?}"));
        }
    }
    match prctl::get_no_new_privs() {
        Ok(true) => Ok(()),
        _ => Err("no_new_privs is not set".into()),
    }
}

/// Raises the limit of open descriptors to what is allowed without asking, and returns it. A
/// session is one descriptor.
pub fn raise_descriptor_limit() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).ok()?;
    }
    Some(hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_users_are_named() {
        let error = choose(Some("no-such-user")).expect_err("refused");
        let line =
            "--user no-such-user: there is no such user; --user root is the only way to stay root";
        assert_eq!(error.to_string(), line);
    }

    #[test]
    fn the_choice_follows_who_started_the_program() {
        let me = User::from_uid(Uid::effective()).unwrap().unwrap();
        match (Uid::effective().is_root(), choose(None).unwrap()) {
            (true, Account::User(user)) => assert!(DEFAULT_USERS.contains(&user.name.as_str())),
            (false, Account::Unchanged) => {}
            (root, account) => panic!("root {root}: {account:?}"),
        }
        match (Uid::effective().is_root(), choose(Some(&me.name)).unwrap()) {
            (true, Account::Root) | (false, Account::Unchanged) => {}
            (root, account) => panic!("root {root}: {account:?}"),
        }
    }

    const CHILD: &str = "RTSTAT_TEST_DROPS_PRIVILEGES";

    /// The drop is for good, so it happens in a process of its own: this very test, started again.
    #[test]
    fn root_is_given_up_for_good() {
        if !Uid::effective().is_root() {
            assert!(
                matches!(choose(None).unwrap(), Account::Unchanged),
                "there is nothing to give up"
            );
            return;
        }
        if std::env::var_os(CHILD).is_some() {
            let account = choose(None).unwrap();
            become_user(&account).unwrap();
            let Account::User(user) = account else {
                panic!("root stays root")
            };
            assert_eq!((Uid::current(), Uid::effective()), (user.uid, user.uid));
            // Capabilities and no_new_privs are those of the thread, which is not the process's
            // first one here.
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            for line in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]
                .map(|set| format!("{set}:\t0000000000000000"))
            {
                assert!(status.contains(&line), "{line}: {status}");
            }
            assert!(status.contains("NoNewPrivs:\t1"), "{status}");
            assert!(
                std::fs::read("/etc/shadow").is_err(),
                "root's files are closed"
            );
            return;
        }
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "system::privileges::tests::root_is_given_up_for_good",
                "--nocapture",
            ])
            .env(CHILD, "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
