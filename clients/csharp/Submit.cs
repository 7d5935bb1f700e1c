// Submits one register and follows it until it is final: dotnet run SCHOOL STUDENT EMPLOYEE CODE
// WRITEBACK_URL and WRITEBACK_KEY say where, and as whom.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using WritebackClient.Api;
using WritebackClient.Client;
using WritebackClient.Extensions;
using WritebackClient.Model;

var url = Environment.GetEnvironmentVariable("WRITEBACK_URL") ?? "http://127.0.0.1:8400";
var key = Environment.GetEnvironmentVariable("WRITEBACK_KEY") ?? "";
var builder = Host.CreateApplicationBuilder();
builder.ConfigureApi(options =>
{
    options.AddTokens(new BearerToken(key));
    options.AddApiHttpClients(client => client.BaseAddress = new Uri(url));
});
var writebacks = builder.Build().Services.GetRequiredService<IWritebacksApi>();

var mark = new SessionMark(
    code: args[3], date: DateOnly.FromDateTime(DateTime.Today), session: Session.AM, studentId: args[1], employeeId: args[2]);
var register = new SessionMarkSubmission(SessionMarkSubmission.KindEnum.AttendanceSession, [mark]);
var submitted = await writebacks.SubmitWritebackAsync(
    new SubmitWritebackRequest(register), args[0], idempotencyKey: Guid.NewGuid().ToString());
if (submitted.TryUnprocessableContent(out var problem))
    foreach (var finding in problem.Findings ?? [])
        Console.Error.WriteLine($"{finding.Pointer}: {finding.Message} {finding.Hint}");
if (!submitted.TryAccepted(out var accepted))
    throw new InvalidOperationException(submitted.RawContent);

while (true)
{
    var shown = await writebacks.ShowWritebackAsync(accepted.Id!);
    if (!shown.TryOk(out var writeback))
        throw new InvalidOperationException(shown.RawContent);
    if (writeback.Status is not (Status.Queued or Status.Sending or Status.Sent or Status.Held or Status.Unknown))
    {
        Console.WriteLine($"{writeback.Id} {writeback.Status} {writeback.Evidence}");
        return writeback.Status == Status.Confirmed ? 0 : 1;
    }
    await Task.Delay(TimeSpan.FromMilliseconds(200));
}
