//! Does one thing so many times, for a counter of instructions to look at: `instructions
//! sample|push|connect TIMES FOLDER`.
//!
//! The difference between two runs with different TIMES is what the thing costs, without what
//! starting costs.

use std::{io::ErrorKind, os::unix::net::UnixStream, rc::Rc, time::Duration};

use actix::Actor;
use rtstat::testing::{
    config::Config,
    drivers::{Root, linux::host::Host},
    http::{connection::Http, static_files::Pages},
    net::{
        connections::ConnectionCounter,
        peer::{Origin, Peer},
        stream::Stream,
    },
    plugins::{
        builtin::{cpu_stat::CpuStat, meminfo::Meminfo, uptime::Uptime},
        sample::{Pooled, Source},
    },
    push::{
        broadcaster::Broadcaster,
        frame::{Frame, Framing},
        frame_cache::FrameCache,
        outbox::Outbox,
    },
    sampling::plugin_manager::PluginManager,
    session::{
        connection::{SessionContext, SessionFactory},
        info::Info,
        supervisor::{Rules, Supervisor},
    },
    system::clock::Clock,
};
use rtstat_bench::{Result, frame};

/// A push of the legacy plugins on two processors.
const PUSH_BYTES: usize = 450;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, times, folder] = arguments.as_slice() else {
        return Err("usage: instructions sample|push|connect TIMES FOLDER".into());
    };
    let times: u32 = times.parse()?;
    match what.as_str() {
        "sample" => samples(&Root::at(folder), times),
        "push" => pushes(times),
        "connect" => connects(&Root::at(folder), times),
        _ => Err("expected sample, push or connect".into()),
    }
}

/// Samples the legacy plugins without the process walk, each with its JSON.
fn samples(root: &Root, times: u32) -> Result<()> {
    let mut sources: [Box<dyn Source>; 3] = [
        Box::new(Pooled::new(CpuStat::new(root))),
        Box::new(Pooled::new(Meminfo::new(root))),
        Box::new(Pooled::new(Uptime::new(root, Some("UTC")))),
    ];
    let mut json = Vec::new();
    let mut before = [const { None }; 3];
    for second in 0..u64::from(times) {
        json.clear();
        for (source, before) in sources.iter_mut().zip(&mut before) {
            let now = source.sample(Duration::from_secs(second))?;
            now.write_json(before.as_deref(), &mut json)?;
            *before = Some(now);
        }
    }
    Ok(())
}

/// Writes one frame into a socket so many times. The socket's buffer must hold them all.
fn pushes(times: u32) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (near, _far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        let presence = Rc::new(ConnectionCounter::default());
        let near = tokio::net::UnixStream::from_std(near)?;
        near.writable().await?;
        let stream = Stream::unix(near, Peer::direct(Origin::Unix(0)), presence.enter());
        let link = Outbox::new(1, Framing::WebSocket, stream);
        let mut frame = Frame::default();
        frame.fill(|out| out.resize(out.len() + PUSH_BYTES, b'x'));
        let frame = Rc::new(frame);
        for _ in 0..times {
            link.push(&frame);
        }
        if link.waiting() > 0 {
            return Err("the socket did not take every push".into());
        }
        Ok(())
    })
}

/// Lets so many WebSocket clients in, one after the other, each up to its greeting; all stay.
fn connects(root: &Root, times: u32) -> Result<()> {
    actix::System::new().block_on(async {
        let (config, clock) = (Config::default(), Clock::start());
        let sampling = PluginManager::start(&config, clock)?.sampling;
        let supervisor = Supervisor::new(clock, Rules::default()).start();
        let info = Info {
            host: Host::read(root),
            max_clients: None,
        };
        let house = Rc::new(SessionContext {
            supervisor,
            sampling: Rc::clone(&sampling),
            info,
        });
        let desk = Rc::new(SessionFactory::new(
            house,
            Rc::new(Broadcaster::new(sampling, FrameCache::new(String::new()))),
        ));
        let pages = Pages {
            folder: None,
            misconfigured: false,
            metrics: false,
        };
        let http = Rc::new(Http::new(desk, Rc::default(), pages));
        let presence = Rc::new(ConnectionCounter::default());
        let mut clients = Vec::new();
        for _ in 0..times {
            let (near, client) = tokio::net::UnixStream::pair()?;
            client.writable().await?;
            client.try_write(&frame::request(80))?;
            let stream = Stream::unix(near, Peer::direct(Origin::Unix(0)), presence.enter());
            actix::spawn(Rc::clone(&http).serve(stream));
            let mut answer = Vec::new();
            while !answer.ends_with(b"\n") {
                client.readable().await?;
                match client.try_read_buf(&mut answer) {
                    Ok(0) => {
                        return Err(format!("refused: {}", String::from_utf8_lossy(&answer)).into());
                    }
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error.into()),
                }
            }
            clients.push(client);
        }
        Ok(())
    })
}
