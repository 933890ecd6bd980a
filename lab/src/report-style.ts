/** How the page of a run looks: on a wide screen and a narrow one, in light and in dark. */
export const STYLE = `:root{color-scheme:light dark;--ground:#fff;--text:#1b1f24;--quiet:#59636e;--line:#d9dee4;--panel:#f5f7f9;--good:#116329;--bad:#b3261e;--link:#0b57a4;
--track:#e4e9ee;--flow:#7fb894;--gap:#f0c060;--lost:#b3261e;--moment:#2457a7;--s0:#4d8fcc;--s1:#e0a030;--s2:#a066b8;--s3:#2f9e78;--s4:#cf5f3c}
@media(prefers-color-scheme:dark){:root{--ground:#15181c;--text:#e4e8ec;--quiet:#9aa5b1;--line:#333a42;--panel:#1d2228;--good:#6fce8b;--bad:#ff8a80;--link:#8ab8f0;
--track:#2a3038;--flow:#3f7d58;--gap:#a07a20;--lost:#ff6b5e;--moment:#8ab8f0}}
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;max-width:1120px;margin:0 auto;padding:1.5rem 1rem 4rem;background:var(--ground);color:var(--text)}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.25rem;margin:1.6rem 0 .3rem;scroll-margin-top:1rem}h3{font-size:.95rem;margin:1.3rem 0 .4rem}
p{margin:.2rem 0 .8rem}.quiet,figcaption{color:var(--quiet)}a{color:var(--link)}.pass{color:var(--good);font-weight:600}.fail{color:var(--bad);font-weight:700}
section h2{margin-top:0}section{border-top:1px solid var(--line);margin-top:2rem;padding-top:1.2rem}figure{margin:0 0 1.1rem}figcaption{font-size:.85rem;margin-bottom:1.4rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}td,th{text-align:left;padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--quiet);white-space:nowrap}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}td:last-child,th:last-child{padding-right:0}
.scroll td:first-child{white-space:nowrap}.text{overflow-wrap:anywhere}details{margin:.7rem 0}summary{cursor:pointer;color:var(--link)}
.wan{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.4rem .7rem;text-align:center}
.sites{display:grid;grid-template-columns:repeat(4,1fr);gap:.8rem;margin:0 0 .6rem}.site{position:relative;border:1px solid var(--line);border-radius:6px;padding:.5rem .7rem;margin-top:1rem;background:var(--panel)}
.site::before{content:"";position:absolute;left:50%;top:-1.05rem;height:1.05rem;border-left:2px solid var(--line)}.site b{display:block}.site dl{display:grid;grid-template-columns:1fr auto;gap:0 .5rem;margin:.3rem 0 0;font-size:.85rem}
.site dt{white-space:nowrap}.site dd{margin:0;text-align:right;font-variant-numeric:tabular-nums;color:var(--quiet)}
.rows{display:grid;grid-template-columns:minmax(12rem,24rem) 1fr;gap:.3rem 1rem;align-items:center;font-size:.88rem}.rows .label{overflow-wrap:anywhere;line-height:1.3}
.track{position:relative;height:14px;background:var(--track);border-radius:2px}.track svg{position:absolute;inset:0;width:100%;height:100%;display:block}.dot{height:8px;background:none}
.dot::before{content:"";position:absolute;left:0;right:0;top:4px;border-top:1px dotted var(--line)}.axis{height:1.1rem;background:none;font-size:.75rem;color:var(--quiet)}
.axis span{position:absolute;transform:translateX(-50%);white-space:nowrap}.axis span:first-child{transform:none}.point{position:absolute;top:0;width:8px;height:8px;margin-left:-4px;border-radius:50%;background:var(--moment)}
.bar{position:absolute;top:0;bottom:0;min-width:2px}.s0{background:var(--s0)}.s1{background:var(--s1)}.s2{background:var(--s2)}.s3{background:var(--s3)}.s4{background:var(--s4)}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.85rem;color:var(--quiet);margin:0 0 .5rem;padding:0;list-style:none}.key i{display:inline-block;width:.75rem;height:.75rem;border-radius:2px;margin-right:.35rem;vertical-align:-1px}
.flow{fill:var(--flow)}.gap{fill:var(--gap)}.lost{stroke:var(--lost);vector-effect:non-scaling-stroke;fill:none}.k-flow{background:var(--flow)}.k-gap{background:var(--gap)}.k-lost{background:var(--lost)}.k-moment{background:var(--moment);border-radius:50%!important}
@media(max-width:760px){.sites{grid-template-columns:repeat(2,1fr)}.site{padding:.5rem}.site dl{font-size:.8rem}.site:nth-child(n+3){margin-top:0}.site:nth-child(n+3)::before{display:none}.rows{grid-template-columns:1fr;gap:.1rem}.rows .track{margin-bottom:.45rem}.rows .axis{margin-bottom:0}
.summary thead{display:none}.summary tr{display:grid;grid-template-columns:auto 1fr auto auto;column-gap:.8rem;padding:.5rem 0;border-bottom:1px solid var(--line)}.summary td{border:0;padding:0}.summary td.what{grid-column:1/-1;order:1}
.verdicts thead{display:none}.verdicts tr{display:block;padding:.4rem 0;border-bottom:1px solid var(--line)}.verdicts td{display:block;border:0;padding:0}.verdicts td[data-is]::before{content:attr(data-is) ": ";color:var(--quiet)}}`;
