//! One sample of the four files, and the push made of it.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    time::{SystemTime, UNIX_EPOCH},
};

/// The files, kept open, and what was read of them last.
pub struct Sampler {
    stat: File,
    meminfo: File,
    loadavg: File,
    uptime: File,
    buffer: Vec<u8>,
    /// Ticks of each processor at the sample before: user, system, iowait with interrupts, idle,
    /// all.
    before: Vec<[u64; 5]>,
    push: Vec<u8>,
}

impl Sampler {
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            stat: File::open("/proc/stat")?,
            meminfo: File::open("/proc/meminfo")?,
            loadavg: File::open("/proc/loadavg")?,
            uptime: File::open("/proc/uptime")?,
            buffer: vec![0; 64 * 1024],
            before: Vec::new(),
            push: Vec::new(),
        })
    }

    /// Reads all four and returns the push as it goes on the wire, without its frame.
    pub fn push(&mut self) -> &[u8] {
        self.push.clear();
        self.push.extend_from_slice(b"Push::{\"cpu_stat\":{");
        // Writing to a vector cannot fail; a file that cannot be read leaves its part empty.
        let _ = self
            .cpu_stat()
            .and_then(|()| self.meminfo())
            .and_then(|()| self.uptime());
        self.push.extend_from_slice(b"}\n");
        &self.push
    }

    fn cpu_stat(&mut self) -> io::Result<()> {
        let count = self.stat.read_at(&mut self.buffer, 0)?;
        let lines = self
            .buffer
            .get(..count)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n')
            .skip(1);
        for (index, line) in lines
            .take_while(|line| line.starts_with(b"cpu"))
            .enumerate()
        {
            let mut fields = line.split(|byte| *byte == b' ').skip(1).map(number);
            let mut next = || fields.next().unwrap_or(0);
            let (user, nice, system, idle, iowait, irq, softirq) =
                (next(), next(), next(), next(), next(), next(), next());
            let user = user + nice;
            let now = [
                user,
                system + irq + softirq,
                iowait + irq + softirq,
                idle,
                user + system + idle + iowait + irq + softirq,
            ];
            let before = self.before.get(index).copied().unwrap_or(now);
            let delta = |field: usize| {
                let at = |ticks: &[u64; 5]| ticks.get(field).copied().unwrap_or(0);
                at(&now).saturating_sub(at(&before)) as f64
            };
            let all = delta(4).max(1.0);
            let ratio = |ticks: f64| (ticks / all * 100.0).round() / 100.0;
            let comma = if index == 0 { "" } else { "," };
            write!(
                self.push,
                "{comma}\"cpu{index}\":{{\"usage\":{},\"user\":{},\"system\":{},\"iowait\":{}}}",
                ratio(delta(4) - delta(3)),
                ratio(delta(0)),
                ratio(delta(1)),
                ratio(delta(2)),
            )?;
            match self.before.get_mut(index) {
                Some(place) => *place = now,
                None => self.before.push(now),
            }
        }
        Ok(())
    }

    fn meminfo(&mut self) -> io::Result<()> {
        let count = self.meminfo.read_at(&mut self.buffer, 0)?;
        let [
            mut total,
            mut free,
            mut buffers,
            mut cached,
            mut swap_cached,
            mut swap_total,
            mut swap_free,
        ] = [0; 7];
        for line in self
            .buffer
            .get(..count)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n')
        {
            let mut parts = line.splitn(2, |byte| *byte == b':');
            let place = match parts.next().unwrap_or_default() {
                b"MemTotal" => &mut total,
                b"MemFree" => &mut free,
                b"Buffers" => &mut buffers,
                b"Cached" => &mut cached,
                b"SwapCached" => &mut swap_cached,
                b"SwapTotal" => &mut swap_total,
                b"SwapFree" => &mut swap_free,
                _ => continue,
            };
            *place = number(parts.next().unwrap_or_default().trim_ascii_start());
        }
        let apps = total.saturating_sub(free + buffers + cached + swap_cached);
        write!(
            self.push,
            "}},\"meminfo\":{{\"memory\":{{\"total\":{total},\"used\":{},\"free\":{free},\"apps\":{apps},\
             \"buffers\":{buffers},\"cached\":{cached},\"swapCached\":{swap_cached}}},\
             \"swap\":{{\"total\":{swap_total},\"used\":{},\"free\":{swap_free}}}}}",
            total.saturating_sub(free),
            swap_total.saturating_sub(swap_free),
        )
    }

    fn uptime(&mut self) -> io::Result<()> {
        let mut text = [0; 128];
        let count = self.uptime.read_at(&mut text, 0)?;
        let up = number(text.get(..count).unwrap_or_default());
        let count = self.loadavg.read_at(&mut text, 0)?;
        let mut loads = text
            .get(..count)
            .unwrap_or_default()
            .split(|byte| *byte == b' ');
        let mut load = || {
            loads
                .next()
                .and_then(|load| str::from_utf8(load).ok())
                .unwrap_or("0.00")
        };
        let (la1, la5, la15) = (load(), load(), load());
        let day = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
            % 86_400;
        let (days, hours, minutes) = (up / 86_400, up / 3600 % 24, up / 60 % 60);
        write!(
            self.push,
            ",\"uptime\":{{\"time\":\"{:02}:{:02}:{:02}\",\"uptime\":\"",
            day / 3600,
            day / 60 % 60,
            day % 60
        )?;
        if days > 0 {
            write!(self.push, "{days} day{}, ", if days > 1 { "s" } else { "" })?;
        }
        if hours > 0 {
            write!(self.push, "{hours}:{minutes:02}")?;
        } else {
            write!(self.push, "{minutes} min")?;
        }
        write!(
            self.push,
            "\",\"users\":\"0\",\"la1\":\"{la1}\",\"la5\":\"{la5}\",\"la15\":\"{la15}\"}}"
        )
    }
}

/// The digits at the front.
fn number(text: &[u8]) -> u64 {
    text.iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}
