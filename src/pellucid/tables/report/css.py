"""How the report looks: on a screen by day and by night, and on paper."""

LIGHT = """--ink:#222222;--quiet:#5c5c5c;--paper:#ffffff;--panel:#f3f4f6;--line:#dfe1e5;--positive:#1f5fa8;
--negative:#e6892a;--band:#8fb4dc;--link:#1f5fa8"""
DARK = """--ink:#e7e8ea;--quiet:#a3a7ae;--paper:#15181d;--panel:#20242b;--line:#343a43;--positive:#6ea8e6;
--negative:#f0a356;--band:#31567f;--link:#8abcf0"""

CSS = f"""
:root{{color-scheme:light dark;{LIGHT}}}
@media (prefers-color-scheme:dark){{:root{{{DARK}}}}}
@media print{{:root{{color-scheme:light;{LIGHT}}}nav{{display:none}}figure,tr{{break-inside:avoid}}}}
*{{box-sizing:border-box}}
body{{margin:0 auto;max-width:62rem;padding:1.5rem 1.25rem 4rem;background:var(--paper);
color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}}
h1{{font-size:1.9rem;line-height:1.2;margin:.5rem 0 .25rem;overflow-wrap:anywhere}}
h2{{font-size:1.3rem;margin:2.6rem 0 .6rem;padding-top:1rem;border-top:1px solid var(--line)}}
h3{{font-size:1.02rem;margin:1.6rem 0 .4rem;overflow-wrap:anywhere}}
p{{margin:.5rem 0;max-width:46rem;overflow-wrap:anywhere}}
.lead{{font-size:1.08rem}} .quiet{{color:var(--quiet)}}
nav{{margin:1rem 0 0;color:var(--quiet)}} nav a{{color:var(--link);margin-right:1rem;white-space:nowrap}}
.cards{{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.2rem 0}}
.card{{flex:1 1 9rem;background:var(--panel);border-radius:.5rem;padding:.7rem .9rem}}
.card b{{display:block;font-size:1.35rem;font-weight:600;overflow-wrap:anywhere}}
.card span{{color:var(--quiet);font-size:.86rem}}
.scroll{{overflow-x:auto;margin:.8rem 0}}
table{{border-collapse:collapse;font-size:.92rem}}
th,td{{padding:.3rem .9rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}}
td{{overflow-wrap:break-word;max-width:30rem}} th{{color:var(--quiet);font-weight:600}}
.number{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
tr.own td{{font-weight:600}}
figure{{margin:1rem 0;max-width:100%;overflow-x:auto}}
figure svg{{width:100%;height:auto;display:block;min-width:20rem}}
figure svg *{{stroke-linejoin:round;stroke-linecap:butt}}
.side{{display:flex;flex-wrap:wrap;gap:0 1rem;align-items:flex-start}}
figure.paper{{background:#fff;border-radius:.5rem}}
.bar{{position:relative;display:inline-block;width:11rem;height:.85rem;
background:linear-gradient(var(--line),var(--line)) 50% 0/1px 100% no-repeat}}
.bar.whole{{background:none}}
.bar i{{position:absolute;top:0;bottom:0;border-radius:2px}}
.up{{background:var(--positive)}} .down{{background:var(--negative)}}
.finding{{background:var(--panel);border-left:4px solid var(--negative);border-radius:.3rem;
padding:.4rem 1rem;margin:.8rem 0}} .finding h3{{margin:.4rem 0}}
.bar,.bar i,.card,.finding{{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
footer{{margin-top:3rem;color:var(--quiet);font-size:.86rem}}
""".strip()
