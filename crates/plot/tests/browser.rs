//! The gallery in a real browser: no errors, and its scripts do what they should. Needs Chromium on the PATH.

use std::path::PathBuf;
use std::process::Command;

#[path = "../examples/gallery/main.rs"]
#[allow(dead_code)]
mod gallery;

/// Records errors from the very beginning.
const BEFORE: &str = "<script>window.errors=[];window.addEventListener('error',e=>errors.push(e.message||'resource'),true);\
    window.addEventListener('unhandledrejection',e=>errors.push(String(e.reason)));\
    console.error=(...what)=>errors.push(what.join(' '));</script>";

/// Does what a reader does, and writes down what comes of it.
const AFTER: &str = "<script>
const svg=document.querySelector('svg'),frame=svg.getBoundingClientRect();
const plot=JSON.parse(svg.querySelector('g.hover').dataset.plot).r;
const scale=frame.width/svg.viewBox.baseVal.width;
svg.dispatchEvent(new PointerEvent('pointermove',{clientX:frame.left+(plot[0]+plot[2]/2)*scale,clientY:frame.top+(plot[1]+plot[3]/2)*scale,bubbles:true}));
const shown=document.getElementById('tip');
const sorted=()=>[...document.querySelectorAll('tbody tr')].map(row=>row.cells[0].textContent).join(' ');
const button=document.querySelectorAll('th button')[2];
button.click();const up=sorted();button.click();const down=sorted();
const wide=document.documentElement.scrollWidth>innerWidth;
const broken=[...document.images].filter(image=>!image.complete||!image.naturalWidth).length;
document.body.append('RESULT['+[errors.length,errors.join('/'),shown.style.display,shown.textContent,up,down,wide,broken].join('|')+']RESULT');
</script>";

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

#[test]
fn the_gallery_opens_without_errors() {
    let Some(chromium) = chromium() else {
        println!("skipped: no Chromium on the PATH");
        return;
    };
    let folder = std::env::temp_dir().join(format!("bolete-browser-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let html = gallery::page().unwrap().html();
    let html = html.replacen("<head>", &format!("<head>{BEFORE}"), 1);
    let html = html.replacen("</body>", &format!("{AFTER}</body>"), 1);
    let file = folder.join("gallery.html");
    std::fs::write(&file, html).unwrap();
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--v=0", "--window-size=1200,3000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    let (page, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    std::fs::remove_dir_all(&folder).ok();
    let result = page.rsplit_once("RESULT[").and_then(|(_, rest)| rest.split_once("]RESULT"));
    let (result, _) = result.unwrap_or_else(|| panic!("the page did not run its scripts: {log}"));
    assert_eq!(
        result,
        "0||block|x = 0.012531tanh x: 0.012531tanh′ x: 0.99984|Muon Adam SGD|SGD Adam Muon|false|0"
    );
    let errors: Vec<&str> =
        log.lines().filter(|line| line.contains("CONSOLE") && !line.contains("INFO")).collect();
    assert!(errors.is_empty(), "{errors:?}");
}
