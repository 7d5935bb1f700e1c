// Submits one register and follows it until it is final: node dist/submit.js SCHOOL 'RECORD'…
// Each record is the JSON of a session mark. WRITEBACK_URL and WRITEBACK_KEY say where, and as whom.
import createClient from "openapi-fetch";
import type { components, paths } from "./writeback.js";

type Mark = components["schemas"]["SessionMark"];

const FINAL: readonly string[] = [
  "confirmed", "partial", "failed", "superseded", "cancelled", "expired", "needs_attention",
];

const { WRITEBACK_URL: baseUrl = "http://127.0.0.1:8400", WRITEBACK_KEY: key = "" } = process.env;
const [school = "", ...records] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });

const submitted = await client.POST("/v1/schools/{school}/writebacks", {
  params: { path: { school }, header: { "Idempotency-Key": crypto.randomUUID() } },
  body: { kind: "attendance.session", records: records.map((one) => JSON.parse(one) as Mark) },
});
if (submitted.error) {
  for (const finding of submitted.error.findings ?? []) console.error(`${finding.pointer}: ${finding.message} ${finding.hint}`);
  throw new Error(`${submitted.error.code}: ${submitted.error.detail}`);
}

for (;;) {
  const { data, error } = await client.GET("/v1/writebacks/{writeback}", {
    params: { path: { writeback: submitted.data.id ?? "" } },
  });
  if (error) throw new Error(error.detail);
  if (FINAL.includes(data.status)) {
    console.log(`${data.id} ${data.status} ${data.evidence ?? ""}`);
    process.exit(data.status === "confirmed" ? 0 : 1);
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
}
