//! Containers by the names of their cgroups: no engine is asked, since its socket is as good as
//! root.

use std::path::{Path, PathBuf};

use crate::drivers::linux::{cgroups::Cgroups, sysfs::name};

/// How deep containers are looked for, and among how many groups: Kubernetes nests five levels.
const DEEPEST: usize = 8;
const MOST_GROUPS: usize = 4096;

/// As many digits of an engine's long id as its own listings show.
const SHORT_ID: usize = 12;

/// A running container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// The name, or the beginning of the id where the engine names groups by that.
    pub name: String,
    /// Who runs it.
    pub engine: &'static str,
    /// Its group.
    pub group: PathBuf,
}

/// The containers of this machine. Costs the listing of every group outside of containers.
#[must_use]
pub fn containers(cgroups: &Cgroups) -> Vec<Container> {
    let mut found = Vec::new();
    let mut groups = vec![(PathBuf::new(), 0)];
    let mut seen = 0;
    while let Some((group, depth)) = groups.pop() {
        seen += 1;
        if seen > MOST_GROUPS {
            break;
        }
        if let Some((engine, name)) = recognise(&group) {
            found.push(Container {
                name,
                engine,
                group,
            });
        } else if depth < DEEPEST {
            groups.extend(
                cgroups
                    .children(&group)
                    .into_iter()
                    .map(|child| (child, depth + 1)),
            );
        }
    }
    found.sort_by(|a, b| (&a.name, a.engine, &a.group).cmp(&(&b.name, b.engine, &b.group)));
    // Names are unique within an engine only.
    let names: Vec<_> = found
        .iter()
        .map(|container| container.name.clone())
        .collect();
    for container in &mut found {
        if names.iter().filter(|name| **name == container.name).count() > 1 {
            container.name = format!("{} {}", container.engine, container.name);
        }
    }
    found
}

/// The engine and the name of a group that is a container.
fn recognise(group: &Path) -> Option<(&'static str, String)> {
    let own = name(group);
    let parent = group.parent().map(name).unwrap_or_default();
    const BY_ID: [(&str, &str); 4] = [
        ("docker-", "docker"),
        ("libpod-", "podman"),
        ("crio-", "cri-o"),
        ("cri-containerd-", "containerd"),
    ];
    for (prefix, engine) in BY_ID {
        if let Some(id) = own
            .strip_prefix(prefix)
            .map(|rest| rest.strip_suffix(".scope").unwrap_or(rest))
            .and_then(id)
        {
            return Some((engine, id));
        }
    }
    if let Some(id) = id(own) {
        return match parent {
            "docker" => Some(("docker", id)),
            "libpod_parent" => Some(("podman", id)),
            pod if pod.starts_with("pod") || pod.starts_with("kubepods") => {
                Some(("kubernetes", id))
            }
            _ => None,
        };
    }
    if let Some(name) = own
        .strip_prefix("lxc.payload.")
        .or_else(|| (parent == "lxc").then_some(own))
    {
        return Some(("lxc", name.to_string()));
    }
    if let Some(name) = own
        .strip_prefix("systemd-nspawn@")
        .and_then(|name| name.strip_suffix(".service"))
    {
        return Some(("nspawn", unescape(name)));
    }
    let machine = own
        .strip_prefix("machine-")
        .and_then(|name| name.strip_suffix(".scope"))
        .map(unescape)?;
    // libvirt registers its machines as `qemu-1-name`.
    match machine
        .strip_prefix("qemu-")
        .or_else(|| machine.strip_prefix("lxc-"))
        .and_then(|rest| rest.split_once('-'))
    {
        Some((number, name)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(("libvirt", name.to_string()))
        }
        _ => Some(("nspawn", machine)),
    }
}

/// The beginning of an engine's id: 64 hexadecimal digits.
fn id(text: &str) -> Option<String> {
    (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| text.chars().take(SHORT_ID).collect())
}

/// The service manager writes a dash in a name as `\x2d` (systemd.unit(5)).
fn unescape(name: &str) -> String {
    name.replace("\\x2d", "-")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::drivers::Root;

    #[test]
    fn engines_are_told_by_the_names_of_their_groups() {
        let id = "0123456789abcdef".repeat(4);
        let known = |engine, name: &str| Some((engine, name.to_string()));
        let cases = [
            (
                format!("system.slice/docker-{id}.scope"),
                known("docker", "0123456789ab"),
            ),
            (format!("docker/{id}"), known("docker", "0123456789ab")),
            (
                format!("machine.slice/libpod-{id}.scope"),
                known("podman", "0123456789ab"),
            ),
            (format!("machine.slice/libpod-conmon-{id}.scope"), None),
            (
                format!("libpod_parent/libpod-{id}"),
                known("podman", "0123456789ab"),
            ),
            (
                format!("kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
                known("containerd", "0123456789ab"),
            ),
            (
                format!("kubepods.slice/crio-{id}.scope"),
                known("cri-o", "0123456789ab"),
            ),
            (
                format!("kubepods/burstable/pod12-34/{id}"),
                known("kubernetes", "0123456789ab"),
            ),
            (format!("elsewhere/{id}"), None),
            ("lxc.payload.web".into(), known("lxc", "web")),
            ("lxc.monitor.web".into(), None),
            ("lxc/web".into(), known("lxc", "web")),
            (
                "machine.slice/systemd-nspawn@build\\x2d1.service".into(),
                known("nspawn", "build-1"),
            ),
            (
                "machine.slice/machine-build.scope".into(),
                known("nspawn", "build"),
            ),
            (
                "machine.slice/machine-qemu\\x2d3\\x2dwin\\x2d11.scope".into(),
                known("libvirt", "win-11"),
            ),
            ("system.slice/docker.service".into(), None),
            (String::new(), None),
        ];
        for (group, expected) in cases {
            assert_eq!(recognise(Path::new(&group)), expected, "{group}");
        }
    }

    #[test]
    fn containers_are_found_and_not_looked_into() {
        let dir = tempfile::tempdir().unwrap();
        let mount = dir.path().join("sys/fs/cgroup");
        let id = "f".repeat(64);
        for group in [
            format!("system.slice/docker-{id}.scope/lxc/inner"),
            "lxc.payload.a/lxc/inner".into(),
            "user.slice".into(),
        ] {
            fs::create_dir_all(mount.join(group)).unwrap();
        }
        fs::write(mount.join("cgroup.controllers"), "").unwrap();
        let found = containers(&Cgroups::find(&Root::at(dir.path())).unwrap());
        let names: Vec<_> = found
            .iter()
            .map(|container| (container.engine, container.name.as_str()))
            .collect();
        assert_eq!(names, [("lxc", "a"), ("docker", "ffffffffffff")]);
    }
}
