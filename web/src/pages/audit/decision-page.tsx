export default function DecisionPage({ frame }: { frame: string }) {
  return <h1>{frame}</h1>;
}
