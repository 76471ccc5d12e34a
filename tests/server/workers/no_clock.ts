// No clock at all.
export default { read: "the hands" };
