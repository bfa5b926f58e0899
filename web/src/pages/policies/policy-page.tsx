export default function PolicyPage({ policy }: { policy: string }) {
  return <h1>{policy}</h1>;
}
