// Writes one document after the other for SECONDS, remembers which were acknowledged by a majority, and reads
// them all back from the primary. The test puts URI and SECONDS before this.
const ledger = new Mongo(URI).getDB("platform").getCollection("ledger");
const run = `${Date.now()}`;
const acknowledged = [];
let [refused, longest, last, number] = [0, 0, Date.now(), 0];
const end = last + SECONDS * 1000;

while (Date.now() < end) {
  number += 1;
  try {
    ledger.insertOne({ _id: `${run}-${number}`, run }, { writeConcern: { w: "majority", wtimeout: 10000 } });
    const now = Date.now();
    longest = Math.max(longest, now - last);
    last = now;
    acknowledged.push(`${run}-${number}`);
  } catch (fault) {
    refused += 1;
  }
}
longest = Math.max(longest, Date.now() - last);
const held = new Set(ledger.find({ run }).toArray().map((each) => each._id));
const lost = acknowledged.filter((each) => !held.has(each)).length;
print(JSON.stringify({ acknowledged: acknowledged.length, refused, lost, longest_gap_s: longest / 1000 }));
