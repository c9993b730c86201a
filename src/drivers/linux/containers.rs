//! Containers by the names of their cgroups: no engine is asked, since its socket is as good as
//! root.

use std::path::{Path, PathBuf};

use crate::drivers::linux::{cgroups::Cgroups, name};

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
    let own = part(group);
    let parent = group.parent().map(part).unwrap_or_default();
    by_id(&own, &parent, group)
        .or_else(|| by_name(&own, &parent))
        .or_else(|| machine(&own, &parent))
}

/// An id of 64 hexadecimal digits is a container, whoever made it and wherever it stands. What is
/// in front of it tells the engine, and the groups around it where nothing is.
fn by_id(own: &str, parent: &str, group: &Path) -> Option<(&'static str, String)> {
    let whole = own.strip_suffix(".scope").unwrap_or(own);
    let digits = whole.rsplit(['-', ':', '_']).next().unwrap_or(whole);
    let (maker, id) = if is_task(whole) {
        ("", whole)
    } else {
        let maker = whole
            .strip_suffix(digits)?
            .trim_end_matches(['-', ':', '_']);
        (maker, Some(digits).filter(|digits| is_id(digits))?)
    };
    // The process that watches a container has a group with the same id.
    if maker.ends_with("conmon") {
        return None;
    }
    // With cgroupfs as its driver, an engine writes `slice:maker:id`.
    let maker = maker.rsplit(':').next().unwrap_or(maker);
    let is_below = |name: &str| group.iter().any(|part| part == name);
    let engine = match maker {
        maker if maker.starts_with("docker") => "docker",
        maker if maker.starts_with("libpod") => "podman",
        maker if maker.starts_with("crio") => "cri-o",
        maker if maker.contains("containerd") => "containerd",
        maker if maker.starts_with("nerdctl") => "nerdctl",
        maker if maker.starts_with("buildkit") => "buildkit",
        _ if parent.starts_with("pod") || parent.contains("kubepods") => "kubernetes",
        _ if is_below("ecs") => "ecs",
        _ if is_below("libpod_parent") => "podman",
        _ if parent == "docker" => "docker",
        _ if parent == "buildkit" => "buildkit",
        _ => "oci",
    };
    Some((engine, id.chars().take(SHORT_ID).collect()))
}

/// Containers whose groups have the names that people or builders gave them.
fn by_name(own: &str, parent: &str) -> Option<(&'static str, String)> {
    let lxc = own.strip_prefix("lxc.payload.");
    if let Some(name) = lxc.or_else(|| matches!(parent, "lxc" | "lxc.payload").then_some(own)) {
        return (!name.is_empty()).then(|| ("lxc", name.to_string()));
    }
    // Builders' ids have 25 letters and digits.
    let is_build = parent == "buildkit"
        && own.len() == 25
        && own.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_build {
        return Some(("buildkit", own.chars().take(SHORT_ID).collect()));
    }
    let service = own
        .strip_prefix("systemd-nspawn@")?
        .strip_suffix(".service")?;
    Some(("nspawn", unescape(service)))
}

/// Virtual machines, and what registers as a machine with the service manager.
fn machine(own: &str, parent: &str) -> Option<(&'static str, String)> {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // Proxmox.
    if let ("qemu.slice", Some(id)) = (parent, own.strip_suffix(".scope"))
        && number(id)
    {
        return Some(("qemu", id.to_string()));
    }
    let registered = own
        .strip_prefix("machine-")
        .and_then(|name| name.strip_suffix(".scope"))
        .map(unescape);
    // libvirt names its machines `qemu-1-name`.
    let by_libvirt = registered.clone().or_else(|| {
        let plain = own.strip_suffix(".libvirt-qemu");
        plain
            .or_else(|| own.strip_suffix(".libvirt-lxc"))
            .map(unescape)
    });
    let numbered = by_libvirt.as_deref().and_then(|name| {
        let rest = name
            .strip_prefix("qemu-")
            .or_else(|| name.strip_prefix("lxc-"))?;
        rest.split_once('-').filter(|(id, _)| number(id))
    });
    match numbered {
        Some((_, name)) => Some(("libvirt", name.to_string())),
        None => Some(("nspawn", registered?)),
    }
}

/// The last part of a group as text.
fn part(group: &Path) -> String {
    let name = group.file_name().unwrap_or_default();
    name::text(name.as_encoded_bytes())
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The id of a container of ECS on Fargate: that of its task, 32 hexadecimal digits, and a number.
fn is_task(text: &str) -> bool {
    text.split_once('-').is_some_and(|(task, number)| {
        task.len() == 32
            && task.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The service manager writes bytes that a name may not hold as `\x2d` (systemd.unit(5)).
fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend(before.bytes());
        let value = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match value {
            Some(value) => bytes.push(value),
            None => bytes.extend(b"\\x"),
        }
        rest = value.map_or(after, |_| after.get(2..).unwrap_or_default());
    }
    bytes.extend(rest.bytes());
    name::text(&bytes)
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
            (format!("elsewhere/{id}"), known("oci", "0123456789ab")),
            // By --cgroup-parent, with either driver.
            (
                format!("my.slice/docker-{id}.scope"),
                known("docker", "0123456789ab"),
            ),
            (format!("my/parent/{id}"), known("oci", "0123456789ab")),
            // Quadlet: cgroups=split.
            (
                format!("system.slice/web.service/libpod-payload-{id}"),
                known("podman", "0123456789ab"),
            ),
            (format!("user.slice/crio-conmon-{id}.scope"), None),
            // A health check of podman.
            (format!("system.slice/{id}.service"), None),
            (
                format!("system.slice/kubelet-kubepods-pod1.slice:cri-containerd:{id}"),
                known("containerd", "0123456789ab"),
            ),
            (
                format!("system.slice/nerdctl-{id}.scope"),
                known("nerdctl", "0123456789ab"),
            ),
            (
                format!("system.slice:docker:{id}"),
                known("docker", "0123456789ab"),
            ),
            (
                format!("ecs/4bf92f3577b34da6/{id}"),
                known("ecs", "0123456789ab"),
            ),
            (
                "ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-2531612879"
                    .into(),
                known("ecs", "0123456789ab"),
            ),
            (
                format!("ecstasks.slice/ecstasks-1.slice/docker-{id}.scope"),
                known("docker", "0123456789ab"),
            ),
            (
                "docker/buildkit/kfg1mxa8zw3v0q9s5t7b2c4d6".into(),
                known("buildkit", "kfg1mxa8zw3v"),
            ),
            ("qemu.slice/100.scope".into(), known("qemu", "100")),
            ("qemu.slice/x.scope".into(), None),
            ("lxc.payload/web".into(), known("lxc", "web")),
            ("lxc.monitor/web".into(), None),
            (
                "machine/qemu-3-win.libvirt-qemu".into(),
                known("libvirt", "win"),
            ),
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
