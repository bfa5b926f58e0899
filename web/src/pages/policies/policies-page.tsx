export default function PoliciesPage() {
  return <h1>PoliciesPage</h1>;
}
