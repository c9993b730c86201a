// The reader's language, and texts in it.

import { locale } from './format.js'

const TABLE = `
1 min|1 мин
10 s|10 с
5 min|5 мин
Add column|+ колонка
Add server|+ сервер
All servers|Все серверы
As laid out|По порядку
Available|Доступно
Blocked|Ждут
Buffers|Буферы
Busiest: {name} {usage}|Занятее всех: {name} {usage}
Busy|Занят
CPU|ЦП
Cache|Кеш
Cancel|Отмена
Close|Закрыть
Column {n}|Колонка {n}
Command|Команда
Configuration|Конфигурация
Connect when the page opens|Подключать сразу
Connecting|Подключение
Connect|Подключить
Containers|Контейнеры
Conversation|Переписка
Cores|Ядра
Dashboard|Мониторинг
Disconnected|Отключено
Disconnect|Отключить
Disks|Диски
Disk|Диск
Done|Готово
Edit layout|Правка
Editing|Правка
Engine|Движок
Failed|Сбой
Fan|Вентилятор
Faults/s|Сбоев/с
Filesystems|Файл. системы
Filter servers|Фильтр
Freeze (F)|Стоп-кадр (F)
Free|Свободно
Frozen|Стоп-кадр
Go live|К текущему
Graphics|Графика
High|Много
Hold, s|Выдержка, с
Host|Адрес
IO wait|Ожидание диска
IO|Диск
Id|Идентификатор
Interrupts/s|Прерыв./с
Interrupts|Прерывания
Interval, s|Интервал, с
Link|Связь
Live|На связи
Load from file…|Из файла…
Loaded; servers: {n}.|Серверов: {n}.
Load|Нагр
Memory|Память
Mem|Пам
Menu|Меню
Move down|Ниже
Move left|Левее
Move right|Правее
Move up|Выше
Name|Имя
Needs wss|Нужен wss
Network|Сеть
Net|Сеть
Next try in {s}.|Повтор через {s}.
No data now|Нет данных
No failed unit.|Сбоев нет.
No servers yet|Серверов пока нет
Not written|Не записано
Notify me of alarms|Уведомлять
Now|Сейчас
OOM kills|Убито (OOM)
Order|Порядок
Origin refused|Чужой источник
Plugins|Плагины
Pressure|Давление
Processors|Процессоры
Programs|Программы
Protocol console|Консоль
Queue drops/s|Отвергнуто/с
Read|Чтение
Received|Принято
Reconnect|Переподключить
Refused|Отказ
Remember in this browser|Помнить
Remove|Удалить
Restarting|Перезапуск
Retransmits/s|Повторов/с
Run|Вып
Save to file|В файл
Save|Сохранить
Send|Отправить
Sensors|Датчики
Sent|Отправлено
Services|Службы
Service|Служба
Settings|Настройки
Shared|Общая
Stale for {s}|Молчит {s}
Start|Запустить
Stolen|Украдено
Stopped|Остановлено
Stop|Остановить
Strips only|Только полосы
Swap in|Из свопа
Swap out|В своп
Swap|Своп
Switches/s|Переключ./с
System|Система
Tasks|Задач
Temp|Темп
Theme: as the system|Тема системы
Theme: dark|Тема: тёмная
Theme: light|Тема: светлая
Token|Токен
Too many clients|Клиентов слишком много
Too much data|Лишние данные
Top processes|Кто это сделал
Tracked|Отслеживается
Try now|Сейчас
Type|Тип
Undo|Отменить
Unreachable|Недоступен
Use the default|Исходная
Used|Занято
Waiting for data|Ждём данных
Warn from, %|Тревога от, %
Worst processor|Худший ЦП
Write|Запись
Wrong token|Неверный токен
W|Вт
a list|список
a text of at most 200 characters|текст до 200 знаков
all wait|ждут все
an object|объект
clock jumped|скачок часов
clock|часы
down|нет
letters, digits and _ - . ,|латиница, цифры и _ - . ,
load|нагрузка
own view|видно серверу
no swap|свопа нет
not answering {s}|не отвечает {s}
now|сейчас
processes|процессов
read-only|только чтение
rebooted|перезагрузка
rpm|об/мин
running|работают
sleeping|спят
some processes are hidden|видны не все процессы
some wait|ждёт кто-то
stopped|стоят
threads|потоков
true or false|true или false
up|работает
users|польз.
with tokens|с токенами
zombies|зомби
{min} to {max}|от {min} до {max}
{n} processors; arrow keys read each|Процессоров: {n}; читать стрелками
{span} ago|{span} назад
{s} old|возраст {s}
… {n} more|… ещё {n}
about.cpu|All processors; line: the busiest|Все процессоры; линия: самый занятый
about.psi|Share of the last 10 s spent waiting|Доля ожидания за 10 с
address|ws://host:port/local-part|адрес ws://host:port/local-part
broken|{n} broken pushes dropped.|Испорчено: {n}.
empty|Add one by its address, or load a configuration.|Добавьте по адресу или загрузите конфигурацию.
fast|{n} messages beyond ten a second dropped.|Сверх 10 в секунду: {n}.
history|Five minutes of history; arrow keys read an instant|Пять минут; читать стрелками
hostEmpty|empty: the server of this page|пусто: сервер страницы
cpu|processors|процессоры
critical|Critical|Критично
memory|memory|память
swap|swap|своп
warning|Warning|Внимание
idTaken|the id {got} is used twice|id {got} повторяется
keys|Keys: / filter, F freeze, E edit, C configuration|Клавиши: / фильтр, F стоп, E правка, C конфигурация
large|{n} messages larger than 1 MB dropped.|Больше 1 МБ: {n}.
legacy|An Rt-Stat server of the first kind: four figures.|Исходный Rt-Stat: четыре показателя.
missed|{n} pushes missed.|Пропущено: {n}.
need|{got} is not accepted; needed: {what}|{got} не годится; нужно: {what}
noDefault|monitoring-default-config.js sets no configuration|monitoring-default-config.js не задаёт конфигурации
notJson|This is not JSON: the fault is at {got} (line:column)|Не JSON: ошибка в {got} (строка:столбец)
note.full|It has all the clients it allows (--max-clients).|Мест нет (--max-clients).
note.mixed|From https only wss:// may be opened: use a TLS proxy.|Из https можно только wss://: нужен прокси с TLS.
note.origin|Start the server with --allow-origin.|Запустите сервер с --allow-origin.
note.refused|Reason: {detail}.|Причина: {detail}.
note.unreachable|No answer from {url}.|Нет ответа от {url}.
scrub|Instant shown, seconds before the freeze|Секунд до остановки
Too many connections|Соединений слишком много
note.crowd|The browser gives no more than {detail} connections: show fewer servers.|Браузер даёт лишь {detail} соединений: уберите часть серверов.
`

const LANGUAGES = ['en', 'ru']

/** @param {readonly string[]} wanted */
export function choose(wanted) {
  for (const tag of wanted) {
    const found = LANGUAGES.find((one) => tag.slice(0, 2).toLowerCase() === one)
    if (found) return found
  }
  return 'en'
}

export const TEXTS = new Map(TABLE.trim().split('\n').map((line) => {
  const parts = line.split('|')
  const [en, ru] = parts.slice(-2)
  return [parts[0], { en, ru }]
}))

export const language = choose(globalThis.navigator?.languages ?? [])

// Of units: КиБ, МБ/с, мин.
const LETTERS = { latin: 'BEGKMPThikmns', russian: 'БЭГКМПТчикмнс' }

if (language === 'ru') {
  locale.decimal = ','
  locale.unit = (name) => name.replace(/\w/g, (letter) => (
    LETTERS.russian[LETTERS.latin.indexOf(letter)] ?? letter
  ))
}

/**
 * A text without a row of its own needs no translation: TCP.
 * @param {string} key @param {Record<string, any>} [values]
 */
export function t(key, values = {}) {
  const text = TEXTS.get(key)?.[language] ?? key
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)
}
