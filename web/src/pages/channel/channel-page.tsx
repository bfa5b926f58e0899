export default function ChannelPage({ channel }: { channel: string }) {
  return <h1>{channel}</h1>;
}
