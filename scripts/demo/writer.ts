/** Moves money between accounts until it is told to stop: the sum of all balances never changes. */
import { DatabaseSync } from 'node:sqlite';

const database = new DatabaseSync(process.argv[2]!, { timeout: 5000 });
const take = database.prepare('update accounts set balance = balance - ? where id = ?');
const give = database.prepare('update accounts set balance = balance + ? where id = ?');
const note = database.prepare('insert into transfers (source, target, amount) values (?, ?, ?)');
const any = () => 1 + Math.floor(Math.random() * 2000);
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

function transfer(): void {
  const [source, target, amount] = [any(), any(), any()];
  database.exec('begin immediate');
  take.run(amount, source);
  give.run(amount, target);
  note.run(source, target, amount);
  database.exec('commit');
}

for (let count = 0; !stopping; count += 1) {
  transfer();
  if (count === 10) process.stdout.write('writing\n');
  await new Promise((resolve) => setTimeout(resolve, 2));
}
database.close();
